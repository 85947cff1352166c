#pragma once

#include "base/table.h"

/* Short texts by number: names of services and policies, as verdicts remember them. A name stays for good; what comes
 * when there are as many as fit is "other". Number 0 is "". One worker. */
struct weft_names;

enum {
    WEFT_NAME_NONE = 0,
    WEFT_NAME_OTHER = 1,
    WEFT_NAMES_MAX = 4096,
    WEFT_NAMES_OF_RECORDS_MAX = 3072, /* so that no sender can take the places of policies */
    WEFT_NAME_BYTES_MAX = 200,
};

struct weft_names *weft_names_new(struct weft_budget *budget, const struct weft_hash_secret *secret);
void weft_names_free(struct weft_names *names);

/* Longer texts are cut. weft_names_intern: what the config names; weft_names_intern_of_record: what came in. */
uint32_t weft_names_intern(struct weft_names *names, struct weft_slice text);
uint32_t weft_names_intern_of_record(struct weft_names *names, struct weft_slice text);
struct weft_slice weft_names_at(const struct weft_names *names, uint32_t name);
