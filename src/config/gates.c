/* The list of a --feature-gates (gates.h). Called by the command line, before any config is read. */
#include "config/gates.h"

#include <string.h>

#include "base/slice.h"

const struct weft_gate_row weft_gate_rows[WEFT_GATE_COUNT] = {
#define WEFT_GATE_ROW(name, id, help) { id, help },
    WEFT_GATE_ROWS(WEFT_GATE_ROW)
#undef WEFT_GATE_ROW
};

static unsigned find(struct weft_slice id)
{
    for (size_t i = 0; i < WEFT_GATE_COUNT; i++) {
        if (weft_slice_equal_text(id, weft_gate_rows[i].id)) {
            return 1u << i;
        }
    }
    return 0;
}

void weft_gates_read(const char *list, unsigned *in_out_gates, weft_gate_unknown_fn on_unknown, void *context)
{
    while (*list != '\0') {
        size_t length = strcspn(list, ",");
        bool has_sign = length > 0 && (list[0] == '+' || list[0] == '-');
        struct weft_slice id = weft_slice_of(list + has_sign, length - has_sign);
        unsigned gate = find(id);
        if (gate == 0 && length > 0) {
            on_unknown(context, (const char *)id.bytes, (int)id.length);
        }
        *in_out_gates = list[0] == '-' ? *in_out_gates & ~gate : *in_out_gates | gate;
        list += length + (list[length] == ',');
    }
}
