/* The walk over the resources of a checked request (otlp_resources.h): for who wants to know whose records they are,
 * which is asked when records are dropped, and not otherwise. */
#include "wire/otlp_resources.h"

#include "wire/otlp_internal.h"
#include "wire/otlp_table.h"

enum { ROWS_FIELD = 1 };

struct weft_otlp_resource_walk weft_otlp_resources_of(enum weft_signal signal, struct weft_slice request)
{
    return (struct weft_otlp_resource_walk){ .signal = signal, .request = weft_wire_reader_of(request) };
}

/* One resource is a request of its own to the walk over records. */
static void count_records(enum weft_signal signal, struct weft_slice row, struct weft_otlp_resource_part *part)
{
    struct weft_otlp_walk walk = weft_otlp_walk_of(row);
    struct weft_slice record;
    while (weft_otlp_walk_next(&walk, &record)) {
        part->record_count++;
        part->weight += weft_otlp_record_weight(signal, record);
    }
}

bool weft_otlp_resources_next(struct weft_otlp_resource_walk *walk, struct weft_otlp_resource_part *out_part)
{
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&walk->request, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == ROWS_FIELD && field.type == WEFT_WIRE_BYTES) {
            struct weft_otlp_resource_part part = { .resource_x = field.bytes };
            count_records(walk->signal, field.whole, &part);
            *out_part = part;
            return true;
        }
    }
    return false;
}
