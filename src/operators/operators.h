#pragma once

#include "base/budget.h"
#include "config/node.h"
#include "config/notes.h"
#include "operators/log_entry.h"

/* A chain of operators, as the key `operators` of a log receiver lists them: each takes an entry, changes it and hands
 * it to the next, or to those that its `output` names. Compiled once, never changed: all workers may use it. */
struct weft_operators;

/* list: a raw YAML node (a list) or NULL: then entries pass as they are. The node is not needed afterwards. Errors with
 * file:line: WEFT_INVALID for an unknown type or a bad value, WEFT_UNSUPPORTED for what the Collector has and weft does
 * not yet, WEFT_LIMIT, WEFT_NOMEM. A key that no operator of that type has is a warning in notes (may be NULL), since
 * the Collector ignores it. All errors of operators are added to notes that keep them. */
enum weft_status weft_operators_compile(const struct weft_node *list, struct weft_config_notes *notes,
                                        struct weft_operators **out_operators,
                                        struct weft_error *error) WEFT_MUST_CHECK;

/* No run may use them any more; NULL is allowed. */
void weft_operators_free(struct weft_operators *operators);

size_t weft_operators_count(const struct weft_operators *operators);

/* The id of one, as the config or the Collector's rule names it; lives as long as the operators. */
const char *weft_operators_id(const struct weft_operators *operators, size_t index);

/* State of a chain on one worker: what operators keep from entry to entry, and counts. One thread. */
struct weft_operator_run;

/* An entry that leaves the chain. It and what is in it live until emit returns. */
typedef void (*weft_entry_fn)(void *user, struct weft_log_entry *entry);

/* operators outlive the run. zone_minutes, east of UTC: of times that name no zone, for operators that have no
 * `location`. NULL without memory. */
struct weft_operator_run *weft_operator_run_new(const struct weft_operators *operators, int zone_minutes,
                                                weft_entry_fn emit, void *user) WEFT_MUST_CHECK;

/* Charged for what operators keep from entry to entry; outlives the run. */
void weft_operator_run_set_budget(struct weft_operator_run *run, struct weft_budget *budget);

/* Entries, or pieces of some, that operators keep now: as long as there are any, flush is to be called each second. */
size_t weft_operator_run_kept(const struct weft_operator_run *run);

/* What is still kept is lost: flush first. NULL is allowed. */
void weft_operator_run_free(struct weft_operator_run *run);

/* A block of entries begins, whose patterns have a limit together (weft_pattern_scratch_begin_batch). component: whose
 * operators these are; it outlives the run. */
void weft_operator_run_begin(struct weft_operator_run *run, const char *component);
uint64_t weft_operator_run_limits_met(const struct weft_operator_run *run);

/* emit is called for each entry that leaves the chain, before this returns or later (some operators keep entries until
 * others have come). The entry is changed; its memory grows. */
void weft_operator_run_process(struct weft_operator_run *run, struct weft_log_entry *entry);

/* Entries that were kept longer than their time, or all of them, go on. now_ns: wall time. */
void weft_operator_run_flush(struct weft_operator_run *run, int64_t now_ns, bool is_all);

/* What became of the entries at one operator since the run began. */
struct weft_operator_counts {
    uint64_t filtered; /* ended here, because the config says so */
    uint64_t errors;   /* could not be processed ... */
    uint64_t dropped;  /* ... and ended here for that: the others went on unchanged */
};

struct weft_operator_counts weft_operator_run_collect(const struct weft_operator_run *run, size_t index);
