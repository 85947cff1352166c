/* The limits of a budget (budget.h): set and taken back when a config is loaded, read as one number. */
#include "base/budget.h"

#include "base/assert.h"

static struct weft_mutex limits_mutex = WEFT_MUTEX_INITIALIZER;

static void publish_lowest(struct weft_budget *budget)
{
    uint64_t lowest = 0;
    for (const struct weft_budget_limit *limit = budget->limits; limit != NULL; limit = limit->next) {
        lowest = lowest == 0 || limit->bytes < lowest ? limit->bytes : lowest;
    }
    weft_atomic_store(&budget->limit_bytes, lowest);
}

void weft_budget_add_limit(struct weft_budget *budget, struct weft_budget_limit *limit)
{
    weft_assert(limit->bytes > 0);
    weft_mutex_lock(&limits_mutex);
    limit->next = budget->limits;
    budget->limits = limit;
    publish_lowest(budget);
    weft_mutex_unlock(&limits_mutex);
}

void weft_budget_remove_limit(struct weft_budget *budget, struct weft_budget_limit *limit)
{
    weft_mutex_lock(&limits_mutex);
    struct weft_budget_limit **at = &budget->limits;
    while (*at != limit) {
        weft_assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = limit->next;
    publish_lowest(budget);
    weft_mutex_unlock(&limits_mutex);
}
