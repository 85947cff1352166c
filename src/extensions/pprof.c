/* Extension `pprof`: accepted so that configs load; Go's profiler has nothing to say of a program in C. It listens
 * nowhere, and validate says so. */
#include "weft/component.h"

static const char reason[] = "weft has no Go profiler; use perf.";

static const struct weft_field dialer_fields[] = {
    WEFT_FIELD_NO_EFFECT("timeout", "duration", reason),
    WEFT_FIELDS_END,
};

static const struct weft_field pprof_fields[] = {
    WEFT_FIELD_NO_EFFECT("endpoint", "string", reason),
    WEFT_FIELD_NO_EFFECT("dialer", "map", reason, .fields = dialer_fields),
    WEFT_FIELD_NO_EFFECT("block_profile_fraction", "int", reason),
    WEFT_FIELD_NO_EFFECT("mutex_profile_fraction", "int", reason),
    WEFT_FIELD_NO_EFFECT("save_to_file", "string", reason),
    WEFT_FIELDS_END,
};

static enum weft_status advise(const void *config, const struct weft_node *node, struct weft_config_notes *notes)
{
    (void)config;
    if (weft_node_kind(node) == WEFT_NODE_MAP && weft_node_count(node) > 0) {
        return WEFT_OK; /* each key says so */
    }
    struct weft_position at = weft_node_position(node);
    return weft_config_notes_add(notes, WEFT_NOTE_WARNING, "%s:%u: pprof has no effect: %s", at.file, at.line, reason);
}

const struct weft_component weft_extension_pprof = {
    .kind = WEFT_EXTENSION,
    .type = "pprof",
    .help = "Accepted, without effect.",
    .fields = pprof_fields,
    .config_size = 1,
    .advise = advise,
};
