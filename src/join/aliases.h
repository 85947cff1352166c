#pragma once

#include "join/groups.h"

/* Aliases as the owner of a trace sees them: the words of its records are told to the groups (groups.h) once for each
 * trace, the verdict on its group is asked for when its time is up, and what the groups ask is answered. A trace waits
 * for an answer only so long: then it is judged alone. As long as no rules have aliases nothing is told or asked. */
struct weft_trace;

struct weft_alias_counters {
    uint64_t sightings;     /* words told to the groups */
    uint64_t words_passed;  /* over: a trace tells JOIN_TRACE_ALIASES_MAX, a record has WEFT_ALIAS_WORDS_MAX */
    uint64_t unanswered;    /* traces that no verdict came for */
    uint64_t claims_passed; /* over: traces that were named, without room to remember it */
};

/* The trace has these words; those of a record. */
void weft_aliases_note(struct weft_join *join, struct weft_trace *trace, const struct weft_alias_words *words);
void weft_aliases_note_span(struct weft_join *join, struct weft_trace *trace, struct weft_slice record,
                            const struct weft_span_index *index);
void weft_aliases_note_log(struct weft_join *join, struct weft_trace *trace, const struct weft_log_index *index);

/* Of a trace that has its verdict. */
void weft_aliases_note_decided(struct weft_join *join, const uint8_t *trace_id, bool is_kept,
                               const struct weft_alias_words *words);

/* What came behind the trace's drop, and has these words, waits for what the groups say. False: it cannot. */
bool weft_aliases_note_late(struct weft_join *join, struct weft_trace *trace, const struct weft_alias_words *words);

/* The trace has just begun: somebody may have named it before. */
void weft_aliases_note_begun(struct weft_join *join, struct weft_trace *trace);

/* It had log lines only, and has a span now. */
void weft_aliases_note_first_span(struct weft_join *join, struct weft_trace *trace);

/* Asks for the verdict on its group; false: it has none, or cannot be asked: it is judged alone, now. */
bool weft_aliases_ask(struct weft_join *join, struct weft_trace *trace, bool is_early);

/* For letters.c: an item has come; one has come back unread; after some have come, at the top of a turn. */
void weft_aliases_receive(struct weft_join *join, const struct weft_item *item, const struct weft_policy_facts *facts);
void weft_aliases_give_up(struct weft_join *join, const struct weft_item *item);
void weft_aliases_turn(struct weft_join *join);

/* What time has made due, and when that is. */
void weft_aliases_step(struct weft_join *join);
struct weft_monotonic weft_aliases_due(const struct weft_join *join);

/* Lines of these outlets (bits) that wait for the verdict on their group want it now: memory is short, or the stage
 * drains. False if there are none that have not said so. */
bool weft_aliases_hurry_lines(struct weft_join *join, uint32_t outlets);

void weft_aliases_init(struct weft_join *join);
void weft_aliases_fini(struct weft_join *join);

/* Words and groups, beside what is held: they have a limit of their own, as verdicts have, since deciding early frees
 * none of it. */
size_t weft_aliases_size_bytes(const struct weft_join *join);

/* alias_samples.c */
void weft_aliases_collect(const struct weft_join *join, struct weft_samples *samples);
