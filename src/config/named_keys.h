#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "wire/signal.h"

/* Attributes that a component decides by, as its config names them: for advice on components that change attributes
 * before they get there. Texts are borrowed from the config, or static. */
struct weft_named_key {
    const char *key;
    const char *kind, *name;   /* who reads it: "policy" "gold", "family" "job_id" */
    const char *const *values; /* what is looked for there, or what stands there as a rule */
    size_t value_count;        /* 0: nobody knows */
    unsigned signals;          /* where it is read: a bit for each, 1 << enum weft_signal */
    bool is_any_enough;        /* others of that kind and name do as well: producers write one of them */
};

/* Those of one kind and name stand side by side. All zero is an empty list. */
struct weft_named_keys {
    struct weft_named_key *items;
    size_t count;
    size_t capacity;
};

/* WEFT_NOMEM. */
enum weft_status weft_named_keys_add(struct weft_named_keys *keys, const struct weft_named_key *key) WEFT_MUST_CHECK;
void weft_named_keys_fini(struct weft_named_keys *keys);

/* What becomes of an attribute with such a key on its way. */
enum weft_key_fate_kind { WEFT_KEY_STAYS, WEFT_KEY_REMOVED, WEFT_KEY_MASKED, WEFT_KEY_VALUE_MASKED };

struct weft_key_fate {
    enum weft_key_fate_kind kind;
    const char *value; /* WEFT_KEY_VALUE_MASKED: the one of its values that is masked */
};
