#pragma once

#include "join/alias_rules.h"
#include "join/question.h"
#include "pipeline/samples.h"
#include "pipeline/stage.h"
#include "policy/policy.h"

/* The join: spans and log lines with the same trace id meet in one trace, wait for each other, are judged as one, and
 * go on or are dropped together. It is the core of a stage (pipeline/stage.h), one on each worker, with an outlet into
 * each pipeline that shares it; a trace is owned by the worker that its id says.
 *
 *   take.c      records arrive: into their trace (taking.h), or after the verdict that is remembered (follow.c)
 *   decide.c    time is up, or memory is short: policies decide
 *   release.c   what is kept is written into requests of its own and passed on
 *   contexts.h  resource and scope of records, kept once
 *   verdicts.h  what was decided, for late records and for who asks
 *   look_up.c   answers questions
 *   aliases.h   words that join traces, as their owners see them; groups.h: the groups that come of it
 *
 * Records are kept as the very bytes that came in, copied into slabs, each behind the number of its context. Facts for
 * the policies are gathered as records arrive, so that deciding reads none of them again. */
enum {
    WEFT_JOIN_PIPELINES_MAX = 16, /* that share one join; a reload may rename them all, and then has both for a while */
};

struct weft_join_rules {
    const struct weft_policy_set *policies;
    const struct weft_alias_rules *aliases; /* NULL = only trace ids join */
    int64_t decision_wait_ns;
    int64_t decision_wait_after_root_ns; /* 0 = the root does not matter */
    uint64_t num_traces;                 /* of the process */
    uint64_t maximum_trace_size_bytes;   /* 0 = no limit */
    uint64_t max_bytes;                  /* of the process; 0 = half of the soft memory limit, 64 MiB without one */
    uint64_t verdict_memory_bytes;       /* of the process */
    uint64_t recent_traces_bytes;        /* of the process */
    bool drops_logs_without_spans;
    bool drops_logs_without_trace_id;
    bool drops_pending_on_shutdown;
    bool samples_on_first_match; /* no policy is asked behind the first that keeps */
    bool is_dry_run;             /* policies judge, and everything is passed on */
};

/* A core. rules outlive it, or are replaced by weft_join_update. */
enum weft_status weft_join_new(struct weft_host *host, struct weft_stage_identity *identity,
                               const struct weft_join_rules *rules, struct weft_stage **out_stage,
                               struct weft_error *error) WEFT_MUST_CHECK;

/* What is held goes on under these rules; each verdict from here on is of a later generation. The former rules are not
 * looked at again. */
void weft_join_update(struct weft_stage *stage, const struct weft_join_rules *rules);

void weft_join_collect(const struct weft_stage *stage, struct weft_samples *samples);

void weft_join_look_up(const struct weft_stage *stage, const struct weft_trace_question *question,
                       struct weft_trace_answer *in_out_answer);

/* The same for whoever asks over the component: question is a struct weft_trace_lookup's. */
void weft_join_ask(const struct weft_stage *stage, struct weft_question *question);
