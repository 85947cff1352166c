#pragma once

#include "base/slab.h"
#include "base/table.h"
#include "join/aliases.h"
#include "join/contexts.h"
#include "join/join.h"
#include "join/names.h"
#include "join/verdicts.h"
#include "pipeline/loan.h"
#include "wire/ids.h"
#include "wire/otlp_index.h"

/* The join's structs, for the files of src/join. */

enum {
    JOIN_OUTLETS_MAX = 2 * WEFT_JOIN_PIPELINES_MAX, /* a trace has a bit for each */
    JOIN_TRACE_SOURCES = 6,
    JOIN_TRACE_ALIASES_MAX = 8, /* words of a trace that are looked up */
    JOIN_EMIT_BYTES = 1 << 20,  /* a request that is written grows to about so much */
    JOIN_EMIT_RECORDS = 8192,
    JOIN_STEP_TRACES = 1024, /* decided in one go */
};

/* Where a trace waits. */
enum weft_lane {
    WEFT_LANE_WAITING, /* by when it began */
    WEFT_LANE_ROOT,    /* the same, its root was seen and decision_wait_after_root_received is shorter */
    WEFT_LANE_ASKING,  /* undecided: has asked for the verdict on its group, or was asked for facts */
    WEFT_LANE_LINES,   /* log lines whose time is up, and spans of their group are still to be judged */
    WEFT_LANE_KEPT,    /* kept, but an outlet is blocked */
    WEFT_LANE_LEAVING, /* its records are in emissions: it ends with the next flush, and takes no more */
    WEFT_LANE_COUNT,
};

/* Where some of a trace's records come from: so many have this context. */
struct weft_trace_source {
    uint32_t context, count;
};

/* A trace that is held. Entry of the table; the facts lie behind it. */
struct weft_trace {
    struct weft_list node;        /* in its lane */
    struct weft_list pinning;     /* in join->pinning, while some of its records lie in payloads */
    struct weft_monotonic began;  /* when its first span came; while there is none, its first log line */
    struct weft_monotonic root;   /* when its first root came; valid with has_root */
    struct weft_slab_chain chain; /* records, the very bytes that came in, tagged with their context */
    uint32_t outlets;             /* a bit for each that has records here */
    uint32_t span_count, log_count;
    uint32_t generation; /* of the rules that the facts were gathered for */
    enum weft_lane lane : 8;
    uint8_t worst_severity;
    uint8_t source_count; /* in sources; JOIN_TRACE_SOURCES + 1 = more: then the chain has to be read */
    bool has_root, has_error;
    bool is_large;  /* over maximum_trace_size_bytes */
    bool is_copied; /* what comes is copied, too: by reference it has kept payloads for too long */
    struct weft_trace_source sources[JOIN_TRACE_SOURCES];
    struct weft_policy_facts facts; /* of join->entry_facts_bytes */
};

/* What aliases need of a trace. Behind its facts, in the tables of who has aliases only. */
struct weft_trace_words {
    struct weft_monotonic asked;            /* ASKING, LINES: since when */
    uint32_t marks[JOIN_TRACE_ALIASES_MAX]; /* of the words that the groups know */
    uint8_t count;                          /* in marks */
    bool is_lines;                          /* no trace: log lines without an id, whose key is their word */
    bool is_early; /* memory is short, or the stage drains: its verdict was asked for before its time */
    bool is_late_member;
    bool is_late;        /* what came behind the trace's verdict and has a word: it waits for what the groups say */
    uint8_t asked_count; /* is_late: answers that are to come */
};

/* A trace that somebody named and that has not come. Entry of join->claims. */
struct weft_claim {
    struct weft_list node; /* in claims_by_age */
    struct weft_monotonic since;
};

/* A decided trace whose records are still there, for who asks. */
struct weft_recent {
    uint8_t trace_id[WEFT_TRACE_ID_BYTES];
    struct weft_slab_chain chain;
    uint8_t source_count;
    struct weft_trace_source sources[JOIN_TRACE_SOURCES];
};

#define WEFT_EMISSION_MORE UINT32_MAX

/* A piece of a record on its way into the request that is being written for an outlet. */
struct weft_emission {
    struct weft_slice bytes;
    uint32_t record_length; /* of the first piece: of the whole record, which may be empty; else WEFT_EMISSION_MORE */
    uint32_t next;          /* of the same context; index + 1, 0 = the last */
};

struct weft_join_outlet {
    struct weft_stage_outlet outlet;
    bool has_taken;          /* records came by it */
    uint32_t index;          /* its bit */
    uint64_t held;           /* records */
    struct weft_list parked; /* of batches: written, but what follows is closed */
    struct weft_emission *emissions;
    size_t emission_count, emission_capacity;
    uint32_t *touched; /* contexts with emissions */
    size_t touched_count, touched_capacity;
    uint64_t emission_records;
    size_t emission_bytes;
    weft_flow_id sampled_out_flow, no_trace_flow, evicted_flow, out_of_memory_flow, refused_flow, shutdown_flow,
        reload_flow; /* held -> dropped */
};

struct weft_join_counters {
    uint64_t new_traces, kept_traces, dropped_traces, early_traces, large_traces;
    uint64_t late_kept, late_dropped; /* records */
    uint64_t logs_without_spans, logs_without_trace_id;
    uint64_t policy_errors;
};

struct weft_join {
    struct weft_stage stage;
    const struct weft_join_rules *rules;
    uint32_t generation;
    size_t facts_bytes;       /* that the rules need */
    size_t entry_facts_bytes; /* that a trace has room for: less only if memory for a larger table was gone */
    size_t words_offset;      /* of a trace's words in its entry; 0 = it has no room for them */
    const struct weft_alias_rules *aliases; /* of the rules, if traces have room for words; NULL = nothing aliases */
    struct weft_table *traces;
    struct weft_slab *slab;
    struct weft_contexts *contexts;
    struct weft_names *names;
    struct weft_verdicts *verdicts;
    uint64_t verdict_memory_bytes; /* of the process, as they were made */
    struct weft_policy_scratch *scratch;
    struct weft_policy_facts *resource_facts; /* of one resource: scratch */
    struct weft_policy_facts *spare_facts;    /* of a trace that has no room for them: scratch */
    struct weft_list lanes[WEFT_LANE_COUNT];
    struct weft_list pinning; /* traces with records in payloads, by when that began */
    struct weft_join_outlet *outlets[JOIN_OUTLETS_MAX];
    size_t leaving_count, leaving_bytes; /* of WEFT_LANE_LEAVING */
    size_t kept_count;                   /* of WEFT_LANE_KEPT */
    size_t asking_count, asking_bytes;   /* of WEFT_LANE_ASKING: their verdict is under way */
    struct weft_letters *letters;
    struct weft_groups *groups; /* on one worker; NULL on the others */
    struct weft_table *claims;
    struct weft_list claims_by_age;
    struct weft_alias_counters alias_counters;
    struct weft_recent *recent; /* ring */
    size_t recent_first, recent_count, recent_capacity;
    size_t recent_copied_count; /* the oldest ones, which hold no payload */
    size_t recent_bytes, recent_bytes_max;
    uint64_t *policy_kept, *policy_dropped; /* traces by policy of the present rules, and one for none */
    struct weft_timer timer;
    size_t parked_bytes;          /* of all outlets */
    size_t bytes_max, traces_max; /* this worker's shares */
    bool is_full;
    bool has_gone_on; /* some outlet has, since the kept lane was looked through */
    struct weft_wall started;
    struct weft_join_counters counters;
};

static inline struct weft_join *weft_join_of(const struct weft_stage *stage)
{
    return WEFT_CONTAINER_OF(stage, struct weft_join, stage);
}

static inline struct weft_join_outlet *weft_join_outlet_of(const struct weft_stage_outlet *outlet)
{
    return WEFT_CONTAINER_OF(outlet, struct weft_join_outlet, outlet);
}

/* NULL: it has none. */
static inline struct weft_trace_words *weft_trace_words_of(const struct weft_join *join, const struct weft_trace *trace)
{
    return join->words_offset == 0 ? NULL : (void *)((uint8_t *)(uintptr_t)trace + join->words_offset);
}

/* No trace: log lines without an id. */
static inline bool weft_trace_is_lines(const struct weft_join *join, const struct weft_trace *trace)
{
    const struct weft_trace_words *words = weft_trace_words_of(join, trace);
    return words != NULL && words->is_lines;
}

/* What came behind a verdict, see there. */
static inline bool weft_trace_is_late(const struct weft_join *join, const struct weft_trace *trace)
{
    const struct weft_trace_words *words = weft_trace_words_of(join, trace);
    return words != NULL && words->is_late;
}

static inline uint32_t weft_join_now_ms(const struct weft_join *join)
{
    return (uint32_t)(weft_timers_now(join->stage.host->timers).ns / WEFT_NS_PER_MS);
}

/* take.c */
extern const struct weft_share_operations weft_join_share_operations;

/* A span, and the fields of what holds it. */
struct weft_joined_span {
    struct weft_slice contents, resource_x, scope_x;
};

/* What the policies ask of a span and of its resource, added to a trace's facts. */
void weft_join_gather(struct weft_join *join, struct weft_policy_facts *facts, const struct weft_policy_facts *resource,
                      const struct weft_span_index *span, const struct weft_joined_span *where);

/* The worker that owns a trace. */
uint32_t weft_join_owner_of_id(const struct weft_stage *stage, const uint8_t *trace_id);

/* The generation of a trace that begins: of one without room for its facts none. */
static inline uint32_t weft_join_first_generation(const struct weft_join *join)
{
    return join->facts_bytes <= join->entry_facts_bytes ? join->generation : 0;
}

/* shape.c: a trace that policies look at. */
struct weft_join_view {
    const struct weft_join *join;
    const struct weft_trace *trace;
};
uint64_t weft_join_trace_size_bytes(void *view);
bool weft_join_see_tree(void *view, struct weft_policy_tree *out_tree);

/* decide.c */

/* Its time is up, or is_early: decides, or asks for the verdict on its group, which comes within this turn or later. */
void weft_join_decide(struct weft_join *join, struct weft_trace *trace, bool is_early);

/* Decides now, whatever its group. */
void weft_join_judge_alone(struct weft_join *join, struct weft_trace *trace, bool is_early);

/* Its group's verdict. */
void weft_join_judge_by_group(struct weft_join *join, struct weft_trace *trace, const struct weft_item *verdict,
                              bool is_early);

/* What the policies know of it, under the present rules; good until the next call. */
const struct weft_policy_facts *weft_join_facts_of(struct weft_join *join, struct weft_trace *trace);

/* The oldest that is undecided, on what is known; false if there is none. */
bool weft_join_decide_oldest(struct weft_join *join);

/* Decides until the limits are kept, and closes the stage if that does not help. */
void weft_join_relieve(struct weft_join *join);

/* What is due, and what had to wait; then the timer is set anew. */
void weft_join_step(void *join);
void weft_join_set_timer(struct weft_join *join);

/* release.c */

/* Appends a record of this outlet to what is written next; its bytes stay until weft_join_flush. False without memory:
 * nothing was appended. */
bool weft_join_emit(struct weft_join *join, struct weft_join_outlet *outlet, uint32_t context,
                    struct weft_slice record);

/* A kept trace: all its records go, or it waits for a blocked outlet. */
void weft_join_emit_trace(struct weft_join *join, struct weft_trace *trace);

/* Its records go, blocked or not: what cannot is parked. For log lines that no verdict is on: under their id the next
 * span begins a trace. */
void weft_join_emit_now(struct weft_join *join, struct weft_trace *trace);

/* Writes what was emitted and passes it on; the traces that it came from end. */
void weft_join_flush(struct weft_join *join);

/* Whether one of these outlets (bits) cannot take more. */
bool weft_join_is_blocked(const struct weft_join *join, uint32_t outlets);

/* Passes on what is parked for the outlet, as far as it goes. */
void weft_join_unpark(struct weft_join *join, struct weft_join_outlet *outlet);

/* By force: drops what is parked. */
void weft_join_drop_parked(struct weft_join *join, struct weft_join_outlet *outlet, enum weft_drop_reason reason);

/* traces.c */
void weft_trace_set_lane(struct weft_join *join, struct weft_trace *trace, enum weft_lane lane);

/* Its clock starts now: it waits. */
void weft_trace_start(struct weft_join *join, struct weft_trace *trace);

/* Its first root has come: it may have to wait less. */
void weft_trace_note_root(struct weft_join *join, struct weft_trace *trace);

/* When a trace that waits is to be decided. */
struct weft_monotonic weft_trace_due(const struct weft_join *join, const struct weft_trace *trace);

/* The waits are others now: all that wait, in the order in which they are due by these. */
void weft_join_sort_lanes(struct weft_join *join);

/* Books records as dropped, for the breakdown by policy and service, too. context 0: they have none yet, or several;
 * policy: names.h. */
void weft_join_drop_records(struct weft_join *join, struct weft_join_outlet *outlet, uint32_t context,
                            enum weft_drop_reason reason, uint32_t policy, uint64_t count);
void weft_join_drop_batch(struct weft_join *join, struct weft_join_outlet *outlet, enum weft_drop_reason reason,
                          struct weft_batch **own_batch);
void weft_trace_drop(struct weft_join *join, struct weft_trace *trace, enum weft_drop_reason reason, uint32_t policy);

/* Takes the trace out of the table; its records stay a while among the recent ones. */
void weft_trace_end(struct weft_join *join, struct weft_trace *trace);
void weft_join_forget_recent(struct weft_join *join, size_t bytes_max);
size_t weft_join_size_bytes(const struct weft_join *join);

/* Calls act for each record of a chain. One that lies in pieces is put together for the call. False: without memory for
 * that some were left out. */
typedef void (*weft_record_fn)(void *user, uint32_t context, struct weft_slice record);
bool weft_join_each_record(const struct weft_join *join, const struct weft_slab_chain *chain, weft_record_fn act,
                           void *user);

/* Appends a record to a trace: by reference if pin is not 0 and the trace is not one that is copied. WEFT_NOMEM changes
 * nothing. */
enum weft_status weft_trace_append(struct weft_join *join, struct weft_trace *trace, uint32_t context, weft_pin_id pin,
                                   struct weft_slice record) WEFT_MUST_CHECK;

/* Copies its records out of payloads as far as the bytes go, and those that come from now on as well. False without
 * memory: some stay there. */
bool weft_trace_copy_pinned(struct weft_join *join, struct weft_trace *trace, size_t *in_out_bytes);

/* The same for the oldest recent trace that was not looked at yet; there is one. */
bool weft_join_copy_recent(struct weft_join *join, size_t *in_out_bytes);

/* Calls act for each source of the trace's records, with how many have it. */
typedef void (*weft_source_fn)(void *user, uint32_t context, uint32_t count);
void weft_join_each_source(const struct weft_join *join, const struct weft_slab_chain *chain,
                           const struct weft_trace_source *sources, uint8_t source_count, weft_source_fn act,
                           void *user);
