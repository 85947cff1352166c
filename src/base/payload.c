/* Payload pool: blocks in four classes per power of two (4 KiB to 64 MiB), so that a block wastes at most a fifth;
 * larger ones come from the heap and go back there. Idle blocks are last-in first-out: the warmest is used next. */
#include "base/payload.h"

#include "base/alloc.h"
#include "base/assert.h"

enum { SMALLEST_SHIFT = 12, LARGEST_SHIFT = 26, CLASS_COUNT = (LARGEST_SHIFT - SMALLEST_SHIFT) * 4 + 1 };
enum { PAGE_BYTES = 4096 };

struct weft_payload_pool {
    struct weft_budget *budget;
    size_t max_idle_bytes;
    size_t idle_bytes;
    size_t lent_count;
    uintptr_t owner; /* thread; 0 = none yet */
    struct weft_payload *idle[CLASS_COUNT];
    uint32_t idle_count[CLASS_COUNT];
    uint32_t fewest_idle[CLASS_COUNT]; /* since weft_payload_pool_age was called last */
};

static size_t class_capacity(size_t class_index)
{
    size_t base = (size_t)1 << (SMALLEST_SHIFT + class_index / 4);
    return base + base / 4 * (class_index % 4);
}

/* CLASS_COUNT when no class is large enough. */
static size_t class_of(size_t capacity)
{
    if (capacity <= (size_t)1 << SMALLEST_SHIFT) {
        return 0;
    }
    size_t shift = 63 - (size_t)__builtin_clzll((unsigned long long)(capacity - 1));
    if (shift >= LARGEST_SHIFT) {
        return CLASS_COUNT;
    }
    size_t class_index = (shift - SMALLEST_SHIFT) * 4;
    while (class_capacity(class_index) < capacity) {
        class_index++;
    }
    return class_index;
}

struct weft_payload_pool *weft_payload_pool_new(struct weft_budget *budget, size_t max_idle_bytes)
{
    struct weft_payload_pool *pool = weft_alloc(sizeof *pool);
    pool->budget = budget;
    pool->max_idle_bytes = max_idle_bytes;
    return pool;
}

void weft_payload_pool_own(struct weft_payload_pool *pool)
{
    pool->owner = weft_thread_id();
}

static void check_owner(const struct weft_payload_pool *pool)
{
    weft_assert(pool->owner == weft_thread_id());
}

static void free_block(struct weft_payload *payload)
{
    weft_free(payload->bytes);
    weft_free(payload);
}

void weft_payload_pool_trim(struct weft_payload_pool *pool)
{
    weft_assert(pool->owner == 0 || pool->owner == weft_thread_id());
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        while (pool->idle[i] != NULL) {
            struct weft_payload *payload = pool->idle[i];
            pool->idle[i] = payload->next_idle;
            free_block(payload);
        }
        pool->idle_count[i] = pool->fewest_idle[i] = 0;
    }
    pool->idle_bytes = 0;
}

/* The coldest lie at the end of the list. */
static size_t free_last(struct weft_payload_pool *pool, size_t class_index, uint32_t count)
{
    struct weft_payload **rest = &pool->idle[class_index];
    for (uint32_t kept = pool->idle_count[class_index] - count; kept > 0; kept--) {
        rest = &(*rest)->next_idle;
    }
    size_t freed_bytes = 0;
    for (struct weft_payload *payload = *rest, *next; payload != NULL; payload = next) {
        next = payload->next_idle;
        freed_bytes += payload->capacity;
        free_block(payload);
    }
    *rest = NULL;
    pool->idle_count[class_index] -= count;
    pool->idle_bytes -= freed_bytes;
    return freed_bytes;
}

size_t weft_payload_pool_age(struct weft_payload_pool *pool)
{
    weft_assert(pool->owner == 0 || pool->owner == weft_thread_id());
    size_t freed_bytes = 0;
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (pool->fewest_idle[i] > 0) {
            freed_bytes += free_last(pool, i, pool->fewest_idle[i]);
        }
        pool->fewest_idle[i] = pool->idle_count[i];
    }
    return freed_bytes;
}

void weft_payload_pool_free(struct weft_payload_pool *pool)
{
    weft_assert(pool->lent_count == 0);
    weft_payload_pool_trim(pool);
    weft_free(pool);
}

struct weft_payload *weft_payload_try_new(struct weft_payload_pool *pool, size_t capacity)
{
    if (pool->owner == 0) {
        weft_payload_pool_own(pool);
    }
    check_owner(pool);
    size_t class_index = class_of(capacity);
    struct weft_payload *payload = class_index < CLASS_COUNT ? pool->idle[class_index] : NULL;
    if (payload != NULL) {
        pool->idle[class_index] = payload->next_idle;
        pool->idle_bytes -= payload->capacity;
        uint32_t left = --pool->idle_count[class_index];
        if (left < pool->fewest_idle[class_index]) {
            pool->fewest_idle[class_index] = left;
        }
    } else {
        payload = weft_try_alloc(sizeof *payload);
        if (payload == NULL) {
            return NULL;
        }
        payload->capacity = class_index < CLASS_COUNT ? class_capacity(class_index) : capacity;
        payload->bytes = weft_try_alloc_raw(payload->capacity);
        if (payload->bytes == NULL) {
            weft_free(payload);
            return NULL;
        }
        payload->pool = pool;
        payload->resident = 0;
    }
    payload->next_idle = NULL;
    payload->length = 0;
    payload->references = 1;
    weft_set_magic(payload, payload);
    pool->lent_count++;
    weft_budget_charge(pool->budget, payload->resident);
    return payload;
}

static bool may_keep(const struct weft_payload_pool *pool, size_t capacity)
{
    size_t idle_bytes = pool->idle_bytes + capacity;
    return idle_bytes <= pool->max_idle_bytes &&
           weft_budget_reserved(pool->budget) + idle_bytes <= weft_budget_limit(pool->budget);
}

static void give_back(struct weft_payload *payload)
{
    struct weft_payload_pool *pool = payload->pool;
    weft_clear_magic(payload, payload);
    size_t class_index = class_of(payload->capacity);
    pool->lent_count--;
    weft_budget_release(pool->budget, payload->resident);
    if (class_index >= CLASS_COUNT || !may_keep(pool, payload->capacity)) {
        free_block(payload);
        return;
    }
    payload->next_idle = pool->idle[class_index];
    pool->idle[class_index] = payload;
    pool->idle_count[class_index]++;
    pool->idle_bytes += payload->capacity;
}

void weft_payload_note_written(struct weft_payload *payload, size_t length)
{
    if (length > payload->resident) {
        size_t pages_bytes = (length + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        size_t resident = pages_bytes < payload->capacity ? pages_bytes : payload->capacity;
        weft_budget_charge(payload->pool->budget, resident - payload->resident);
        payload->resident = resident;
    }
}

enum weft_status weft_payload_reserve(struct weft_payload *payload, size_t capacity)
{
    weft_check_magic(payload, payload);
    weft_assert(payload->references == 1);
    if (capacity <= payload->capacity) {
        return WEFT_OK;
    }
    struct weft_payload *larger = weft_payload_try_new(payload->pool, capacity);
    if (larger == NULL) {
        return WEFT_NOMEM;
    }
    memcpy(larger->bytes, payload->bytes, payload->length);
    weft_payload_note_written(larger, payload->length);
    /* The two trade blocks, so that the caller's pointer stays good. */
    struct weft_payload small = *payload;
    payload->bytes = larger->bytes;
    payload->capacity = larger->capacity;
    payload->resident = larger->resident;
    larger->bytes = small.bytes;
    larger->capacity = small.capacity;
    larger->resident = small.resident;
    larger->references = 0;
    give_back(larger);
    return WEFT_OK;
}

void weft_payload_commit(struct weft_payload *payload, size_t length)
{
    weft_assert(length <= payload->capacity - payload->length);
    payload->length += length;
    weft_payload_note_written(payload, payload->length);
}

void weft_payload_append(struct weft_payload *payload, const void *bytes, size_t length)
{
    weft_assert(length <= payload->capacity - payload->length);
    memcpy(payload->bytes + payload->length, bytes, length);
    weft_payload_commit(payload, length);
}

struct weft_budget *weft_payload_budget(const struct weft_payload *payload)
{
    return payload->pool->budget;
}

struct weft_payload *weft_payload_ref(struct weft_payload *payload)
{
    weft_check_magic(payload, payload);
    check_owner(payload->pool);
    weft_assert(payload->references > 0);
    payload->references++;
    return payload;
}

void weft_payload_unref(struct weft_payload **own_payload)
{
    struct weft_payload *payload = *own_payload;
    *own_payload = NULL;
    if (payload == NULL) {
        return;
    }
    weft_check_magic(payload, payload);
    check_owner(payload->pool);
    weft_assert(payload->references > 0);
    if (--payload->references == 0) {
        give_back(payload);
    }
}
