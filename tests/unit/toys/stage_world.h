#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "config/load.h"
#include "graph/graph_internal.h"
#include "weft/component.h"

/* The world of the stage simulation: several workers on one thread, virtual time, and a post that delivers late but in
 * order. Everything random comes from the seed. */
enum {
    MAX_WORKERS = 4,
    MAX_REQUESTS = 24,
    MAX_RECORDS = 6,
    RECORD_COUNT = MAX_REQUESTS * MAX_RECORDS,
    PIPELINES = 4,
    SINKS = 3,
    CLIENTS = 4,
    MAX_RELOADS = 3,
    MAX_LOANS = 256, /* away, and mail in one lane */
};

static const char *const pipeline_names[PIPELINES] = { "traces/a", "traces/b", "logs/a", "logs/b" };

static inline enum weft_signal signal_of(size_t pipeline)
{
    return pipeline < 2 ? WEFT_TRACES : WEFT_LOGS;
}

static inline size_t pipeline_index(const char *name)
{
    size_t index = 0;
    while (strcmp(pipeline_names[index], name) != 0) {
        index++;
    }
    return index;
}

enum {
    STEP_BATCH_FRONT,
    STEP_HALF_FRONT,
    STEP_FILTER_FRONT,
    STEP_EDIT_FRONT,
    STEP_TURN_FRONT,
    STEP_SAMPLE,
    STEP_HOLD_A,
    STEP_HOLD_B,
    STEP_MASK,
    STEP_EDIT_BEHIND,
    STEP_TURN_BEHIND,
    STEP_RESOURCE,
    STEP_FILTER_BEHIND,
    STEP_HALF_BEHIND,
    STEP_BATCH_BEHIND,
    STEPS
};

static const char *const step_names[STEPS] = {
    "batch/front",      "half/front", "filter/front",  "attributes/front", "transform/front",
    "tail_sampling",    "hold/a",     "hold/b",        "redaction",        "attributes/behind",
    "transform/behind", "resource",   "filter/behind", "half/behind",      "batch/behind",
};

struct pipeline_shape {
    bool is_there;
    bool has_step[STEPS];
    bool has_sink[SINKS];
};

/* One config. */
struct shape {
    struct pipeline_shape pipelines[PIPELINES];
    uint32_t wait_ms[2], max_records[2]; /* of hold/a and hold/b */
    uint32_t batch_ms[2], batch_size[2], batch_max[2];
    uint32_t sink_version[SINKS];
    uint32_t client_version;
};

struct request {
    struct weft_ticket ticket;
    size_t client;
    enum weft_signal signal;
    uint32_t worker, first_record, record_count;
    bool was_sent, is_staged; /* is_staged: behind a stage in every pipeline that it went to */
    unsigned settled;
    enum weft_status status;
    struct weft_timer timer;
};

/* Mail from one worker to another, oldest first. */
struct lane {
    struct weft_message *first, *last;
    int64_t last_due_ns;
    int64_t due_ns[MAX_LOANS];
    size_t begin, count;
    struct weft_timer timer;
    uint32_t from, to;
};

/* As loan.c has them: the simulation counts what is under way for itself. A change there shows at once, as the sums
 * are compared with the outlets'. */
struct lending_view {
    struct weft_stage_outlet *outlet;
    const void *operations;
    struct weft_batch *batch;
};

struct loan_view {
    struct weft_mail mail;
    struct lending_view *lending;
    struct weft_selection records, dropped;
    uint64_t record_count;
};

struct worker {
    uint32_t index;
    struct weft_host host;
    struct weft_graph *graph, *built, *former;
    const struct shape *shape, *next_shape; /* of graph and built */
    bool is_going;                          /* graph is the one that leaves */
    enum weft_status build_status;
    struct weft_timer timer;
};

struct world {
    uint64_t random;
    uint32_t worker_count;
    struct worker workers[MAX_WORKERS];
    struct weft_host *hosts[MAX_WORKERS];
    struct weft_post post;
    struct weft_hash_secret secret;
    struct weft_timers *timers;
    struct weft_budget budget;
    struct lane lanes[MAX_WORKERS][MAX_WORKERS];
    size_t mail_count; /* in all lanes */
    uint32_t mail_delay_ms;
    struct loan_view *loans[MAX_LOANS]; /* away */
    size_t loan_count;
    struct shape shapes[MAX_RELOADS + 1];
    size_t shape_count;
    struct request requests[MAX_REQUESTS];
    size_t request_count;
    bool is_strict; /* tickets wait, one stage: every OK can be held against the sinks */
    bool had_fan_out[PIPELINES];
    bool is_calm; /* nothing goes wrong any more */
    uint64_t accepted[WEFT_SIGNAL_COUNT];
    uint64_t unread[PIPELINES]; /* records that came back from an owner that was not there */
    uint64_t unsure[PIPELINES]; /* records of offers that may have ended before this pipeline saw them */
    bool was_offered[PIPELINES][RECORD_COUNT];
    bool was_held[PIPELINES][RECORD_COUNT]; /* a `hold` alone stood where it came in: it cannot have gone before */
    uint8_t owner_byte[RECORD_COUNT];
    uint8_t seen[SINKS][PIPELINES][RECORD_COUNT];
    uint64_t at_sink[PIPELINES]; /* with copies */
    uint32_t bad_percent;
    uint32_t nomem_percent;
    uint32_t unread_percent;
    uint32_t failing_worker; /* whose builds fail; MAX_WORKERS = none's */
};

static struct world *world;
static struct weft_ledger *ledger; /* of all seeds */
static uint64_t current_seed;

#define EXPECT(condition, ...)                                                                    \
    do {                                                                                          \
        if (!(condition)) {                                                                       \
            char text_[300];                                                                      \
            snprintf(text_, sizeof text_, __VA_ARGS__);                                           \
            ck_abort_msg("seed %llu at %lld ms: %s", (unsigned long long)current_seed,            \
                         (long long)(weft_timers_now(world->timers).ns / WEFT_NS_PER_MS), text_); \
        }                                                                                         \
    } while (0)

static inline uint32_t pick(uint32_t bound)
{
    uint64_t state = world->random;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    world->random = state;
    return (uint32_t)(state >> 33) % bound;
}

static inline bool chance(unsigned percent)
{
    return pick(100) < percent;
}

static inline int64_t random_ms(uint32_t bound_ms)
{
    return (int64_t)pick(bound_ms * 1000 + 1) * (WEFT_NS_PER_MS / 1000);
}

static inline struct weft_monotonic now(void)
{
    return weft_timers_now(world->timers);
}

/* ---- post ---- */

static inline bool is_notice(const struct weft_mail *mail)
{
    for (const struct weft_stage *stage = world->hosts[mail->from_worker]->stages; stage != NULL; stage = stage->next) {
        for (uint32_t i = 0; i < world->worker_count; i++) {
            if (mail == &stage->notices[i].mail) {
                return true;
            }
        }
    }
    return false;
}

static inline void note_sent(struct weft_mail *mail)
{
    if (!is_notice(mail)) {
        EXPECT(world->loan_count < MAX_LOANS, "too many loans");
        world->loans[world->loan_count++] = WEFT_CONTAINER_OF(mail, struct loan_view, mail);
    }
}

static inline void note_returned(const struct weft_mail *mail)
{
    for (size_t i = 0; i < world->loan_count; i++) {
        if (&world->loans[i]->mail == mail) {
            world->loans[i] = world->loans[--world->loan_count];
            return;
        }
    }
}

/* Sometimes the owner is not there: what is lent comes back unread. (A notice to nobody is not missed by anyone; to
 * somebody it would be.) */
static inline void deliver(struct weft_mail *mail, uint32_t to)
{
    struct weft_stage *stages = world->hosts[to]->stages;
    bool is_unread = to == mail->to_worker && !is_notice(mail) && !world->is_calm && chance(world->unread_percent);
    if (is_unread) {
        const struct loan_view *loan = WEFT_CONTAINER_OF(mail, struct loan_view, mail);
        world->unread[pipeline_index(loan->lending->outlet->pipeline)] += loan->record_count;
        world->hosts[to]->stages = NULL;
    }
    mail->message.on_delivered(&mail->message);
    if (is_unread) {
        world->hosts[to]->stages = stages;
    }
}

static inline void lane_due(void *context)
{
    struct lane *lane = context;
    struct weft_message *message = lane->first;
    struct weft_mail *mail = WEFT_CONTAINER_OF(message, struct weft_mail, message);
    lane->first = message->next;
    lane->begin = (lane->begin + 1) % MAX_LOANS;
    lane->count--;
    world->mail_count--;
    if (lane->count > 0) {
        weft_timer_set_at(world->timers, &lane->timer, (struct weft_monotonic){ lane->due_ns[lane->begin] });
    }
    if (lane->to == mail->from_worker) {
        note_returned(mail);
    }
    deliver(mail, lane->to);
}

static inline void late_send(struct weft_post *post, uint32_t from, uint32_t to, struct weft_message *message)
{
    (void)post;
    struct lane *lane = &world->lanes[from][to];
    struct weft_mail *mail = WEFT_CONTAINER_OF(message, struct weft_mail, message);
    EXPECT(from != to && lane->count < MAX_LOANS, "a message from %u to %u", from, to);
    if (from == mail->from_worker) {
        note_sent(mail);
    }
    int64_t due_ns = now().ns + 1 + random_ms(world->mail_delay_ms);
    lane->last_due_ns = due_ns < lane->last_due_ns ? lane->last_due_ns : due_ns;
    message->next = NULL;
    if (lane->count == 0) {
        lane->first = message;
    } else {
        lane->last->next = message;
    }
    lane->last = message;
    lane->due_ns[(lane->begin + lane->count) % MAX_LOANS] = lane->last_due_ns;
    if (lane->count++ == 0) {
        weft_timer_set_at(world->timers, &lane->timer, (struct weft_monotonic){ lane->last_due_ns });
    }
    world->mail_count++;
}

static inline void lanes_init(void)
{
    for (uint32_t from = 0; from < world->worker_count; from++) {
        for (uint32_t to = 0; to < world->worker_count; to++) {
            struct lane *lane = &world->lanes[from][to];
            lane->from = from;
            lane->to = to;
            weft_timer_init(&lane->timer, lane_due, lane);
        }
    }
}

static inline void workers_init(void)
{
    world->timers = weft_timers_new((struct weft_monotonic){ 1 });
    world->post = (struct weft_post){ .send = late_send, .hosts = world->hosts, .worker_count = world->worker_count };
    for (uint32_t i = 0; i < world->worker_count; i++) {
        struct worker *worker = &world->workers[i];
        worker->index = i;
        worker->host = (struct weft_host){
            .timers = world->timers,
            .pool = weft_payload_pool_new(&world->budget, 1 << 20),
            .budget = &world->budget,
            .ledger = ledger,
            .books = weft_ledger_worker_of(ledger, i),
            .worker_index = i,
            .worker_count = world->worker_count,
            .post = world->worker_count == 1 ? NULL : &world->post,
            .random_state = current_seed + i + 1,
            .secret = &world->secret,
            .turn_ns = current_seed % 2, /* long edits are put off as often as can be, or never */
        };
        world->hosts[i] = &worker->host;
    }
    lanes_init();
}

static inline void workers_fini(void)
{
    for (uint32_t i = 0; i < world->worker_count; i++) {
        EXPECT(world->hosts[i]->stages == NULL, "a core is left on worker %u", i);
        weft_payload_pool_free(world->hosts[i]->pool);
    }
    weft_timers_free(world->timers);
}
