/* The breakdown of drops (drops.h). Three tables: names of policies and of services, each with an open-addressed index,
 * and rows, with another. A row knows its latest entry in each ring, so that adding within a window is an addition. */
#include "pipeline/drops.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/hash.h"

enum {
    OTHER = UINT16_MAX,
    NAME_SLOTS = 512,
    ROW_LIMIT = WEFT_DROPS_NAMED_ROWS + WEFT_LEDGER_FLOW_LIMIT, /* every flow has one row of others at most */
    ROW_SLOTS = 65536,
};

_Static_assert(NAME_SLOTS > 2 * WEFT_DROPS_SERVICES && ROW_SLOTS > 2 * ROW_LIMIT, "an index is half empty");
_Static_assert(ROW_LIMIT < UINT16_MAX, "a row's number fits into a slot");

/* Number 0 is the empty name. */
struct names {
    uint32_t count, limit;
    uint16_t slots[NAME_SLOTS]; /* number, or 0 = free */
    uint8_t lengths[WEFT_DROPS_SERVICES + 1];
    uint8_t texts[WEFT_DROPS_SERVICES + 1][WEFT_DROPS_NAME_BYTES];
};

struct latest {
    uint64_t serial; /* of the entry, plus 1; 0 = there was none */
    uint32_t window;
};

struct row {
    uint64_t total;
    weft_flow_id flow;
    uint16_t policy, service; /* numbers, or OTHER */
    struct latest latest[WEFT_DROPS_WINDOW_COUNT];
};

struct entry {
    uint64_t count;
    uint32_t window;
    uint32_t row;
};

/* Entries have serial numbers from 0 on; those from first to next are there, windows in order. */
struct ring {
    struct entry *entries;
    uint32_t capacity;
    uint64_t first, next;
    uint32_t first_window; /* the first that is there whole */
};

struct weft_drops {
    struct weft_monotonic started;
    struct weft_hash_secret secret;
    struct names policies, services;
    struct row *rows;
    uint32_t row_count;
    uint16_t *row_slots; /* number + 1; 0 = free */
    struct ring rings[WEFT_DROPS_WINDOW_COUNT];
};

static const struct {
    int64_t length_ns;
    uint32_t entries;
} windows[WEFT_DROPS_WINDOW_COUNT] = {
    [WEFT_DROPS_SECONDS] = { WEFT_NS_PER_S, 8192 },
    [WEFT_DROPS_MINUTES] = { 60 * WEFT_NS_PER_S, 16384 },
    [WEFT_DROPS_HOURS] = { 3600 * WEFT_NS_PER_S, 16384 },
};

int64_t weft_drops_window_ns(enum weft_drops_window window)
{
    return windows[window].length_ns;
}

uint32_t weft_drops_window_of(enum weft_drops_window window, struct weft_monotonic moment)
{
    return (uint32_t)(moment.ns / windows[window].length_ns);
}

/* At the start of a worker, like what weft_alloc gives; but only what is used becomes resident. */
static void *map_zeroed(size_t size_bytes)
{
    void *memory = weft_try_map(size_bytes);
    weft_assert(memory != NULL);
    return memory;
}

static void unmap(void *memory, size_t size_bytes)
{
    bool is_gone = weft_unmap(memory, size_bytes);
    (void)is_gone; /* else its pages are */
}

struct weft_drops *weft_drops_new(struct weft_monotonic started)
{
    struct weft_drops *drops = map_zeroed(sizeof *drops);
    drops->started = started;
    weft_hash_secret_init(&drops->secret);
    drops->policies = (struct names){ .count = 1, .limit = WEFT_DROPS_POLICIES + 1 };
    drops->services = (struct names){ .count = 1, .limit = WEFT_DROPS_SERVICES + 1 };
    drops->rows = map_zeroed(ROW_LIMIT * sizeof drops->rows[0]);
    drops->row_slots = map_zeroed(ROW_SLOTS * sizeof drops->row_slots[0]);
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        drops->rings[i].capacity = windows[i].entries;
        drops->rings[i].entries = map_zeroed(windows[i].entries * sizeof(struct entry));
        drops->rings[i].first_window = weft_drops_window_of((enum weft_drops_window)i, started);
    }
    return drops;
}

void weft_drops_free(struct weft_drops *drops)
{
    if (drops == NULL) {
        return;
    }
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        unmap(drops->rings[i].entries, windows[i].entries * sizeof(struct entry));
    }
    unmap(drops->row_slots, ROW_SLOTS * sizeof drops->row_slots[0]);
    unmap(drops->rows, ROW_LIMIT * sizeof drops->rows[0]);
    unmap(drops, sizeof *drops);
}

/* ---- names ---- */

static struct weft_slice name_of(const struct names *names, uint16_t number)
{
    return number == OTHER ? WEFT_SLICE_LITERAL(WEFT_DROPS_OTHER)
                           : weft_slice_of(names->texts[number], names->lengths[number]);
}

static uint16_t number_of(struct names *names, const struct weft_hash_secret *secret, struct weft_slice name)
{
    if (name.length == 0) {
        return 0;
    }
    name.length = name.length > WEFT_DROPS_NAME_BYTES ? WEFT_DROPS_NAME_BYTES : name.length;
    uint32_t slot = (uint32_t)weft_hash(secret, name) % NAME_SLOTS;
    for (; names->slots[slot] != 0; slot = (slot + 1) % NAME_SLOTS) {
        if (weft_slice_equal(name_of(names, names->slots[slot]), name)) {
            return names->slots[slot];
        }
    }
    if (names->count == names->limit) {
        return OTHER;
    }
    uint16_t number = (uint16_t)names->count++;
    memcpy(names->texts[number], name.bytes, name.length);
    names->lengths[number] = (uint8_t)name.length;
    names->slots[slot] = number;
    return number;
}

/* ---- rows ---- */

/* NULL: the row is new, and there is no room for one that is not of others. */
static struct row *find_row(struct weft_drops *drops, weft_flow_id flow, uint16_t policy, uint16_t service)
{
    uint64_t key = (uint64_t)flow << 32 | (uint32_t)policy << 16 | service;
    uint32_t slot = (uint32_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 48);
    for (; drops->row_slots[slot] != 0; slot = (slot + 1) % ROW_SLOTS) {
        struct row *row = &drops->rows[drops->row_slots[slot] - 1];
        if (row->flow == flow && row->policy == policy && row->service == service) {
            return row;
        }
    }
    bool is_of_others = policy == OTHER && service == OTHER;
    if (drops->row_count >= WEFT_DROPS_NAMED_ROWS && !is_of_others) {
        return NULL;
    }
    weft_assert(drops->row_count < ROW_LIMIT);
    struct row *row = &drops->rows[drops->row_count++];
    *row = (struct row){ .flow = flow, .policy = policy, .service = service };
    drops->row_slots[slot] = (uint16_t)drops->row_count;
    return row;
}

/* ---- rings ---- */

static void ring_push(struct ring *ring, const struct entry *entry)
{
    if (ring->next - ring->first == ring->capacity) {
        ring->first_window = ring->entries[ring->first % ring->capacity].window + 1;
        ring->first++;
    }
    ring->entries[ring->next % ring->capacity] = *entry;
    ring->next++;
}

static void add_to_ring(struct ring *ring, struct latest *latest, const struct entry *entry)
{
    bool is_there = latest->serial > ring->first && latest->window == entry->window;
    if (is_there) {
        ring->entries[(latest->serial - 1) % ring->capacity].count += entry->count;
        return;
    }
    ring_push(ring, entry);
    *latest = (struct latest){ .serial = ring->next, .window = entry->window };
}

void weft_drops_add(struct weft_drops *drops, struct weft_monotonic now, weft_flow_id flow, struct weft_slice policy,
                    struct weft_slice service, uint64_t count)
{
    if (count == 0) {
        return;
    }
    uint16_t policy_number = number_of(&drops->policies, &drops->secret, policy);
    uint16_t service_number = number_of(&drops->services, &drops->secret, service);
    struct row *row = find_row(drops, flow, policy_number, service_number);
    if (row == NULL) {
        row = find_row(drops, flow, OTHER, OTHER);
    }
    row->total += count;
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        struct entry entry = { .count = count,
                               .window = weft_drops_window_of((enum weft_drops_window)i, now),
                               .row = (uint32_t)(row - drops->rows) };
        add_to_ring(&drops->rings[i], &row->latest[i], &entry);
    }
}

/* ---- reading ---- */

struct weft_monotonic weft_drops_started(const struct weft_drops *drops)
{
    return drops->started;
}

size_t weft_drops_row_count(const struct weft_drops *drops)
{
    return drops->row_count;
}

void weft_drops_read(const struct weft_drops *drops, const uint32_t from[WEFT_DROPS_WINDOW_COUNT],
                     struct weft_drops_row *rows)
{
    for (uint32_t i = 0; i < drops->row_count; i++) {
        const struct row *row = &drops->rows[i];
        rows[i] = (struct weft_drops_row){ .flow = row->flow,
                                           .policy = name_of(&drops->policies, row->policy),
                                           .service = name_of(&drops->services, row->service),
                                           .total = row->total };
    }
    for (int i = 0; i < WEFT_DROPS_WINDOW_COUNT; i++) {
        const struct ring *ring = &drops->rings[i];
        for (uint64_t serial = ring->next; serial > ring->first; serial--) {
            const struct entry *entry = &ring->entries[(serial - 1) % ring->capacity];
            if (entry->window < from[i]) {
                break;
            }
            rows[entry->row].recent[i] += entry->count;
        }
    }
}

uint32_t weft_drops_first_window(const struct weft_drops *drops, enum weft_drops_window window)
{
    return drops->rings[window].first_window;
}
