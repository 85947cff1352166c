/* Advice (advice.h): a redaction that stands before a processor which decides by attributes, and takes away what it
 * decides by. Of attributes that mean the same, of which producers write one, it is enough that one may stay. */
#include "graph/advice.h"

#include <stdio.h>

#include "base/alloc.h"

/* Those of one kind and name. */
struct group {
    const struct weft_named_key *keys;
    const struct weft_key_fate *fates;
    size_t count;
};

struct masking {
    enum weft_signal signal;
    const struct weft_plan_component *redaction, *reader;
    struct weft_config_notes *notes;
};

static bool is_same_reader(const struct weft_named_key *left, const struct weft_named_key *right)
{
    return strcmp(left->kind, right->kind) == 0 && strcmp(left->name, right->name) == 0;
}

/* Returns how many keys have the fate; writes the first of them one behind the other. */
static size_t list_keys(const struct group *group, enum weft_key_fate_kind kind, char *out_text, size_t size_bytes)
{
    enum { SHOWN = 3 };
    size_t count = 0;
    size_t used = 0;
    out_text[0] = '\0';
    for (size_t i = 0; i < group->count; i++) {
        if (group->fates[i].kind == kind && count++ <= SHOWN && used < size_bytes) {
            const char *text = count > SHOWN ? "..." : group->keys[i].key;
            used += (size_t)snprintf(out_text + used, size_bytes - used, "%s%.60s", count > 1 ? ", " : "", text);
        }
    }
    return count;
}

static const char *first_value(const struct group *group)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->fates[i].kind == WEFT_KEY_VALUE_MASKED) {
            return group->fates[i].value;
        }
    }
    return "";
}

static enum weft_status note(const struct masking *masking, const struct group *group, const char *what,
                             const char *value, const char *keys, const char *remedy)
{
    struct weft_position at = weft_node_position(masking->redaction->node);
    return weft_config_notes_add(masking->notes, WEFT_NOTE_WARNING,
                                 "%s:%u: %s %s%.60s%s %s before %s sees it: the %s %s reads it there; %s", at.file,
                                 at.line, masking->redaction->id, what, value, value[0] == '\0' ? "" : " in", keys,
                                 masking->reader->id, group->keys[0].kind, group->keys[0].name, remedy);
}

static enum weft_status note_fate(const struct masking *masking, const struct group *group,
                                  enum weft_key_fate_kind kind)
{
    char keys[256];
    size_t count = list_keys(group, kind, keys, sizeof keys);
    if (count == 0) {
        return WEFT_OK;
    }
    switch (kind) {
    case WEFT_KEY_STAYS:
        break;
    case WEFT_KEY_REMOVED:
        return group->keys[0].is_any_enough && count < group->count
                   ? WEFT_OK
                   : note(masking, group, "removes", "", keys, "add what is in use to allowed_keys");
    case WEFT_KEY_MASKED:
        return note(masking, group, "masks", "", keys,
                    "add what is in use to ignored_keys, or narrow blocked_key_patterns");
    case WEFT_KEY_VALUE_MASKED:
        return note(masking, group, "masks what is like ", first_value(group), keys,
                    "add what is in use to ignored_keys, or narrow blocked_values");
    }
    return WEFT_OK;
}

static enum weft_status note_all(const struct masking *masking, const struct weft_named_keys *keys,
                                 const struct weft_key_fate *fates)
{
    static const enum weft_key_fate_kind kinds[] = { WEFT_KEY_REMOVED, WEFT_KEY_MASKED, WEFT_KEY_VALUE_MASKED };
    enum weft_status status = WEFT_OK;
    size_t end;
    for (size_t start = 0; start < keys->count; start = end) {
        for (end = start + 1; end < keys->count && is_same_reader(&keys->items[start], &keys->items[end]);) {
            end++;
        }
        const struct group group = { &keys->items[start], &fates[start], end - start };
        for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(kinds); i++) {
            status = note_fate(masking, &group, kinds[i]);
        }
    }
    return status;
}

/* Policies read spans: what befalls an attribute of log records on its way is nothing to them. */
static void leave_out_other_signals(enum weft_signal signal, struct weft_named_keys *keys)
{
    size_t count = 0;
    for (size_t i = 0; i < keys->count; i++) {
        if ((keys->items[i].signals & 1u << signal) != 0) {
            keys->items[count++] = keys->items[i];
        }
    }
    keys->count = count;
}

static enum weft_status advise_of(const struct masking *masking)
{
    struct weft_named_keys keys = { 0 };
    enum weft_status status = masking->reader->component->name_keys(masking->reader->config, &keys);
    leave_out_other_signals(masking->signal, &keys);
    struct weft_key_fate *fates = status == WEFT_OK ? weft_try_alloc((keys.count + 1) * sizeof *fates) : NULL;
    status = fates == NULL ? WEFT_NOMEM : WEFT_OK;
    if (status == WEFT_OK) {
        struct weft_error cause = WEFT_ERROR_NONE;
        status = masking->redaction->component->judge_keys(masking->redaction->config, &keys, fates, &cause);
    }
    if (status == WEFT_OK) {
        status = note_all(masking, &keys, fates);
    }
    weft_free(fates);
    weft_named_keys_fini(&keys);
    return status;
}

enum weft_status weft_advise_of_masked_keys(const struct weft_plan *plan, struct weft_config_notes *notes)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < plan->pipeline_count; i++) {
        const struct weft_plan_pipeline *pipeline = &plan->pipelines[i];
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            for (size_t k = 0; k < j && status == WEFT_OK; k++) {
                const struct masking masking = { pipeline->signal, pipeline->processors[k], pipeline->processors[j],
                                                 notes };
                if (masking.redaction->component->judge_keys != NULL && masking.reader->component->name_keys != NULL) {
                    status = advise_of(&masking);
                }
            }
        }
    }
    return status;
}
