#pragma once

#include "base/buffer.h"
#include "base/slice.h"
#include "base/status.h"

/* Regular expressions that users write in configs: RE2's language, as Go's regexp reads it and so the Collector. They
 * run on PCRE2 with its JIT: each is read by weft's own parser and written anew in PCRE2's language, so that it means
 * here what it means there; what Go refuses is refused, with the offset. What Go takes and weft does not is refused,
 * too, as WEFT_UNSUPPORTED: a surrogate as a character, \p{Lu} and its kind under (?i), a repeated group that would
 * rather be empty, as in (|a)*, if it matters where a match ends, nesting over WEFT_PATTERN_MAX_DEPTH, more than 64 KiB
 * when compiled. Unicode is that of PCRE2 (14 with 10.42), Go's is later.
 *
 * A backtracking matcher can take long on bytes that a peer chose. Every match has limits, and one that meets them says
 * so: LIMIT is neither a match nor none, and the caller must take the safe side. */
struct weft_pattern;

/* What a match writes to: one per worker, for any number of patterns. */
struct weft_pattern_scratch;

enum {
    WEFT_PATTERN_MAX_TEXT_BYTES = 32 << 10,
    WEFT_PATTERN_MAX_DEPTH = 250,
    WEFT_PATTERN_MAX_SUBJECT_BYTES = 4 << 20, /* longer ones are not looked at: LIMIT */
    WEFT_PATTERN_PLAIN_STEPS = (4 << 10) + 8, /* weft_pattern_match_plain takes no more */
};

struct weft_pattern_options {
    bool has_groups;      /* weft_pattern_search_group will be asked; without, groups cost nothing */
    bool is_match_only;   /* weft_pattern_match only, no search: then a repeated group may rather be empty */
    bool is_interpreted;  /* without JIT: for tests, and what happens anyway where the system forbids it */
    int64_t max_match_ns; /* on a processor, of one match or one search in a subject over 512 bytes; 0 = 50 ms */
};

enum weft_pattern_outcome { WEFT_PATTERN_NO, WEFT_PATTERN_MATCH, WEFT_PATTERN_LIMIT };

/* options may be NULL. The pattern never changes afterwards: all workers may use it at once. WEFT_INVALID and
 * WEFT_UNSUPPORTED with an offset in text, WEFT_LIMIT, WEFT_NOMEM. */
enum weft_status weft_pattern_compile(struct weft_slice text, const struct weft_pattern_options *options,
                                      struct weft_pattern **out_pattern, struct weft_error *error) WEFT_MUST_CHECK;
void weft_pattern_free(struct weft_pattern **own_pattern);

/* Groups are numbered from 1 by their opening parenthesis; the name is NULL if it has none. */
size_t weft_pattern_group_count(const struct weft_pattern *pattern);
const char *weft_pattern_group_name(const struct weft_pattern *pattern, size_t group);

/* max_groups: of any pattern that it will serve with has_groups; later groups read as absent. */
enum weft_status weft_pattern_scratch_new(size_t max_groups, struct weft_pattern_scratch **out_scratch,
                                          struct weft_error *error) WEFT_MUST_CHECK;
void weft_pattern_scratch_free(struct weft_pattern_scratch **own_scratch);

/* From now on a match with this scratch has no more time than this, whatever its pattern allows, and 0 takes that back.
 */
void weft_pattern_scratch_set_limit(struct weft_pattern_scratch *scratch, int64_t max_match_ns);

/* From now on matches with this scratch use up steps, one for about a nanosecond, instead of time, and one that finds
 * none left says LIMIT; NULL takes that back. Which match meets it depends on the pattern and the subject alone. */
void weft_pattern_scratch_set_steps(struct weft_pattern_scratch *scratch, uint64_t *steps_left);

/* A batch begins, or a block of lines: from now on its matches use up steps. Each brings as many as an honest one takes
 * of so many bytes; what they need beyond is bounded for all of them. A match that finds none left says LIMIT, and is
 * counted; of the first one the log says, too, which pattern it was and of which component, which outlives the batch
 * (NULL: it says nothing, as for patterns that a peer chose). */
void weft_pattern_scratch_begin_batch(struct weft_pattern_scratch *scratch, const char *component);

/* Matches in batches that met a limit. NULL has none. */
uint64_t weft_pattern_scratch_limits_met(const struct weft_pattern_scratch *scratch);

/* Whether the pattern matches anywhere in subject. Bytes that are not UTF-8 count as U+FFFD each, as in Go. */
enum weft_pattern_outcome weft_pattern_match(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                             struct weft_slice subject) WEFT_MUST_CHECK;

/* Whether a look at the bytes of a short subject tells if it matches (pattern_plain.h). */
bool weft_pattern_is_plain(const struct weft_pattern *pattern);

/* The same answer from that look, whose steps are so few that none are counted. LIMIT: the subject is longer, or the
 * pattern is not plain. */
enum weft_pattern_outcome weft_pattern_match_plain(const struct weft_pattern *pattern, struct weft_slice subject);

/* Which ASCII bytes a text of nothing but ASCII must have for the pattern to match in it: one of the first, and one of
 * the second. Bit b % 64 of word b / 64 stands for the byte b; all bits set: nothing is known. For who asks many
 * patterns about one text. */
struct weft_pattern_needs {
    uint64_t start[2];
    uint64_t inside[2];
};

struct weft_pattern_needs weft_pattern_needs_of(const struct weft_pattern *pattern);

/* All matches, from left to right, with Go's rules for empty ones (none right behind the match before). The subject is
 * looked at once at the start, so that many matches in it cost no more than their own search. */
struct weft_pattern_search {
    const struct weft_pattern *pattern;
    struct weft_pattern_scratch *scratch; /* no other match may use it until the search is over */
    struct weft_slice subject;
    struct weft_slice repaired; /* the same bytes, unless some are not UTF-8 */
    size_t at;                  /* in repaired */
    size_t last_end;            /* in repaired; SIZE_MAX = none */
    size_t mapped_from, mapped; /* an offset of repaired, and where it lies in subject */
    bool is_too_much;
};

void weft_pattern_search_start(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                               struct weft_slice subject, struct weft_pattern_search *out_search);

/* On MATCH, where in the subject. After NO or LIMIT the search is over. */
enum weft_pattern_outcome weft_pattern_search_next(struct weft_pattern_search *search, size_t *out_start,
                                                   size_t *out_end) WEFT_MUST_CHECK;

/* All matches of a plain pattern in a short subject, if there are few: what a search would find, at once. False: it is
 * to be searched for, and nothing has been done. */
struct weft_pattern_few {
    size_t count;
    struct {
        size_t start, end;
    } items[8];
};

bool weft_pattern_find_few(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                           struct weft_slice subject, struct weft_pattern_few *out_few) WEFT_MUST_CHECK;

/* A group of the last match; false if it took no part. */
bool weft_pattern_search_group(const struct weft_pattern_search *search, size_t group,
                               struct weft_slice *out_text) WEFT_MUST_CHECK;

/* Appends the subject with each match replaced by mask, taken as it is; what lies between stays, byte for byte. On NO
 * and on LIMIT nothing is appended: on LIMIT, which memory that runs out is here, too, the caller masks all of it. */
enum weft_pattern_outcome weft_pattern_replace(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                               struct weft_slice subject, struct weft_slice mask,
                                               struct weft_buffer *out) WEFT_MUST_CHECK;
