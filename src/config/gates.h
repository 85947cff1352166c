#pragma once

/* Feature gates: what a config may use only if the command line says so (--feature-gates), by the Collector's names. */
#define WEFT_GATE_ROWS(ROW) \
    ROW(PROFILES, "service.profilesSupport", "Pipelines of profiles, a signal that is in development.")

enum weft_gate_bit {
#define WEFT_GATE_BIT(name, id, help) WEFT_GATE_BIT_OF_##name,
    WEFT_GATE_ROWS(WEFT_GATE_BIT)
#undef WEFT_GATE_BIT
        WEFT_GATE_COUNT
};

/* A set of open gates. */
enum weft_gate {
#define WEFT_GATE_MASK(name, id, help) WEFT_GATE_##name = 1u << WEFT_GATE_BIT_OF_##name,
    WEFT_GATE_ROWS(WEFT_GATE_MASK)
#undef WEFT_GATE_MASK
};

struct weft_gate_row {
    const char *id;
    const char *help;
};

extern const struct weft_gate_row weft_gate_rows[WEFT_GATE_COUNT];

typedef void (*weft_gate_unknown_fn)(void *context, const char *id, int length);

/* Opens and closes gates by a list "a,+b,-c"; ids that are not known change nothing and are told of. */
void weft_gates_read(const char *list, unsigned *in_out_gates, weft_gate_unknown_fn on_unknown, void *context);
