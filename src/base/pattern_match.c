/* Matching (pattern.h). A callout (pattern.c) stops a match that has run too long or has used its steps up. Besides,
 * what one attempt does is bounded by the match limit, which PCRE2 counts anew at every start position, so that it is
 * set by the length of the subject. */
#include "base/pattern_internal.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/work.h"

enum {
    SHORT_BYTES = 512,             /* matched without callouts */
    PLAIN_BYTES = 4 << 10,         /* without PCRE2, which takes no time that is worth a clock */
    SHORT_STEPS = 5 * 1000 * 1000, /* over all start positions of a short subject */
    FEW_STEPS = 1024,              /* of all attempts without callouts where steps count, and 16 a byte */
    FEW_STEPS_PER_BYTE = 16,
    LONG_STEPS = 100 * 1000, /* of one attempt in a long subject, at least */
    LONG_STEPS_PER_BYTE = 8,
    MAX_LONG_STEPS = 2 * 1000 * 1000,
    CALLOUTS_PER_LOOK = 32,            /* at the clock */
    READ_BYTES_PER_CALLOUT = 16 << 10, /* reading so much counts as one more */
    STEPS_OF_CALLOUT = 8,
    STEPS_OF_FOUND = 64,        /* for what is done with a match */
    STEPS_OF_MATCH = 50 * 1000, /* at most, and so many more a byte: */
    STEPS_PER_BYTE = 64,
    BATCH_STEPS = 20 * 1000 * 1000, /* of a batch's matches, beyond what is given with each: */
    BATCH_STEPS_PER_MATCH = 256,
    BATCH_STEPS_PER_BYTE = 32,
    BATCH_STEPS_OF_MATCH = 1000 * 1000, /* at most, and STEPS_PER_BYTE */
    JIT_STACK_FIRST_BYTES = 32 << 10,
    JIT_STACK_MAX_BYTES = 512 << 10,
    HEAP_KIB = 1024, /* of the interpreter */
    DEPTH = 10000,   /* of the interpreter */
    IS_OVER = -1000, /* what the callout answers; not one of PCRE2's errors */
};

_Static_assert((int)WEFT_PATTERN_PLAIN_STEPS == (int)PLAIN_BYTES + (int)STEPS_OF_CALLOUT, "steps of a plain pattern");

struct weft_pattern_scratch {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
    struct weft_buffer repaired;
    uint64_t callouts, look_at; /* of the match under way, and at which the clock is looked at next */
    const uint8_t *position;    /* of the last callout */
    uint64_t *steps_left;       /* NULL: without a limit */
    uint64_t steps_of_match;    /* what the one under way may take of them */
    uint64_t batch_steps;       /* where steps_left points to in a batch */
    const char *component;      /* whose batch it is; NULL: nobody is told */
    uint64_t limits_met;
    bool is_told;         /* in this batch */
    int64_t max_match_ns; /* of the match under way */
    int64_t limit_ns;     /* of any; 0 = none */
    int64_t cpu_end_ns;
    struct weft_monotonic next_look;
};

/* ---- scratch ---- */

/* From the 32nd callout on the clock runs, and is read at every 32nd. What counts is the time on a processor, since a
 * thread may be kept from running for long; the wall's clock is cheaper to read and says when to look. */
static int look_at_clock(struct weft_pattern_scratch *scratch)
{
    weft_work_did(WEFT_WORK_LOOK_BYTES);
    struct weft_monotonic now = weft_monotonic_now();
    bool is_first = scratch->look_at == CALLOUTS_PER_LOOK;
    scratch->look_at = scratch->callouts + CALLOUTS_PER_LOOK;
    if (is_first) {
        scratch->cpu_end_ns = weft_work_cpu_ns() + scratch->max_match_ns;
        scratch->next_look = weft_monotonic_after(now, scratch->max_match_ns);
        return 0;
    }
    if (now.ns <= scratch->next_look.ns) {
        return 0;
    }
    int64_t left_ns = scratch->cpu_end_ns - weft_work_cpu_ns();
    scratch->next_look = weft_monotonic_after(now, left_ns);
    return left_ns < 0 ? IS_OVER : 0;
}

static bool take_steps(struct weft_pattern_scratch *scratch, uint64_t steps)
{
    uint64_t left = *scratch->steps_left; /* whoever asked may have taken some */
    left = left < scratch->steps_of_match ? left : scratch->steps_of_match;
    bool is_enough = steps <= left;
    steps = is_enough ? steps : left;
    scratch->steps_of_match -= steps;
    *scratch->steps_left -= steps;
    weft_work_did(steps);
    return is_enough;
}

/* Steps are what was read since the last callout, forth or back, but for the way back to the next attempt. */
static int on_callout(pcre2_callout_block *block, void *user)
{
    struct weft_pattern_scratch *scratch = user;
    const uint8_t *position = block->subject + block->current_position;
    size_t read_bytes = 0;
    if (block->callout_number != WEFT_PATTERN_BEFORE_ATTEMPT) {
        read_bytes =
            (size_t)(position > scratch->position ? position - scratch->position : scratch->position - position);
    }
    scratch->position = position;
    scratch->callouts += 1 + read_bytes / READ_BYTES_PER_CALLOUT;
    if (scratch->steps_left != NULL) {
        return take_steps(scratch, STEPS_OF_CALLOUT + read_bytes) ? 0 : IS_OVER;
    }
    return scratch->callouts < scratch->look_at ? 0 : look_at_clock(scratch);
}

static bool fill_scratch(struct weft_pattern_scratch *scratch, pcre2_general_context *general, size_t max_groups)
{
    scratch->match = pcre2_match_data_create((uint32_t)max_groups + 1, general);
    scratch->context = pcre2_match_context_create(general);
    scratch->stack = pcre2_jit_stack_create(JIT_STACK_FIRST_BYTES, JIT_STACK_MAX_BYTES, general);
    if (scratch->match == NULL || scratch->context == NULL || scratch->stack == NULL) {
        return false;
    }
    pcre2_jit_stack_assign(scratch->context, NULL, scratch->stack);
    pcre2_set_heap_limit(scratch->context, HEAP_KIB);
    pcre2_set_depth_limit(scratch->context, DEPTH);
    pcre2_set_callout(scratch->context, on_callout, scratch);
    return true;
}

enum weft_status weft_pattern_scratch_new(size_t max_groups, struct weft_pattern_scratch **out_scratch,
                                          struct weft_error *error)
{
    weft_assert(max_groups <= WEFT_PATTERN_MAX_TEXT_BYTES);
    struct weft_pattern_scratch *scratch = weft_try_alloc(sizeof *scratch);
    pcre2_general_context *general = weft_pattern_memory();
    bool is_filled = scratch != NULL && general != NULL && fill_scratch(scratch, general, max_groups);
    pcre2_general_context_free(general);
    if (!is_filled) {
        weft_pattern_scratch_free(&scratch);
        return weft_fail(error, WEFT_NOMEM, "no memory to match regular expressions");
    }
    *out_scratch = scratch;
    return WEFT_OK;
}

void weft_pattern_scratch_free(struct weft_pattern_scratch **own_scratch)
{
    struct weft_pattern_scratch *scratch = *own_scratch;
    if (scratch != NULL) {
        pcre2_match_data_free(scratch->match);
        pcre2_match_context_free(scratch->context);
        pcre2_jit_stack_free(scratch->stack);
        weft_buffer_fini(&scratch->repaired);
        weft_free(scratch);
        *own_scratch = NULL;
    }
}

void weft_pattern_scratch_set_limit(struct weft_pattern_scratch *scratch, int64_t max_match_ns)
{
    scratch->limit_ns = max_match_ns;
}

void weft_pattern_scratch_set_steps(struct weft_pattern_scratch *scratch, uint64_t *steps_left)
{
    scratch->steps_left = steps_left;
}

void weft_pattern_scratch_begin_batch(struct weft_pattern_scratch *scratch, const char *component)
{
    scratch->batch_steps = BATCH_STEPS;
    scratch->steps_left = &scratch->batch_steps;
    scratch->component = component;
    scratch->is_told = false;
}

uint64_t weft_pattern_scratch_limits_met(const struct weft_pattern_scratch *scratch)
{
    return scratch == NULL ? 0 : scratch->limits_met;
}

/* ---- matching ---- */

static bool is_plain(const struct weft_pattern *pattern, struct weft_slice subject)
{
    return pattern->is_plain && subject.length <= PLAIN_BYTES;
}

/* The subject itself if it is UTF-8 or need not be, else its repaired copy; false if there is no memory or it is too
 * long. */
static bool prepare(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch, struct weft_slice subject,
                    struct weft_slice *out_prepared)
{
    if (subject.length > WEFT_PATTERN_MAX_SUBJECT_BYTES) {
        return false;
    }
    *out_prepared = subject;
    if (is_plain(pattern, subject)) {
        return true;
    }
    if (weft_utf8_valid_length(subject) < subject.length) {
        enum { KEPT_BYTES = 64 << 10 };
        if (scratch->repaired.capacity > KEPT_BYTES) {
            weft_buffer_fini(&scratch->repaired);
            weft_buffer_init(&scratch->repaired, 0);
        }
        weft_buffer_clear(&scratch->repaired);
        weft_utf8_append_repaired(&scratch->repaired, subject);
        *out_prepared = weft_buffer_slice(&scratch->repaired);
    }
    return weft_buffer_status(&scratch->repaired) == WEFT_OK && out_prepared->length <= WEFT_PATTERN_MAX_SUBJECT_BYTES;
}

static uint32_t steps_for(size_t length)
{
    if (length <= SHORT_BYTES) {
        return (uint32_t)(SHORT_STEPS / (length + 1));
    }
    size_t steps = length * LONG_STEPS_PER_BYTE;
    return steps < LONG_STEPS ? LONG_STEPS : steps > MAX_LONG_STEPS ? MAX_LONG_STEPS : (uint32_t)steps;
}

static enum weft_pattern_outcome outcome_of(int code)
{
    if (code >= 0) {
        return WEFT_PATTERN_MATCH;
    }
    if (code == PCRE2_ERROR_NOMATCH) {
        return WEFT_PATTERN_NO;
    }
    weft_assert(code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT || code == PCRE2_ERROR_HEAPLIMIT ||
                code == PCRE2_ERROR_JIT_STACKLIMIT || code == PCRE2_ERROR_NOMEMORY || code == IS_OVER);
    return WEFT_PATTERN_LIMIT;
}

/* It takes as many steps as it looks at bytes, and some more if something is found. */
static enum weft_pattern_outcome find_plain(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                            struct weft_slice subject, size_t offset, uint64_t steps_of_found,
                                            size_t *out_start, size_t *out_end)
{
    size_t start, end;
    bool is_found = weft_pattern_plain_find(&pattern->text, subject, offset, &start, &end);
    uint64_t steps = is_found ? end - offset + steps_of_found : subject.length - offset;
    if (scratch->steps_left != NULL && !take_steps(scratch, steps + STEPS_OF_CALLOUT)) {
        return WEFT_PATTERN_LIMIT;
    }
    if (is_found) {
        *out_start = start;
        *out_end = end;
    }
    return is_found ? WEFT_PATTERN_MATCH : WEFT_PATTERN_NO;
}

/* What the caller is told, too, is counted, and logged once in a batch. */
static enum weft_pattern_outcome note_outcome(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                              enum weft_pattern_outcome outcome)
{
    if (outcome != WEFT_PATTERN_LIMIT || scratch->steps_left != &scratch->batch_steps) {
        return outcome;
    }
    scratch->limits_met++;
    if (!scratch->is_told && scratch->component != NULL) {
        scratch->is_told = true;
        weft_log(WARN, "pattern.limit_met", "a regular expression takes too long on what has come and is not matched",
                 WEFT_LOG_STRING("component", scratch->component),
                 WEFT_LOG_SLICE("pattern", weft_buffer_slice(&pattern->beginning)));
    }
    return outcome;
}

static enum weft_pattern_outcome run_code(const struct weft_pattern *pattern, const pcre2_code *code, uint32_t limit,
                                          struct weft_pattern_scratch *scratch, struct weft_slice subject,
                                          size_t offset)
{
    enum { WORTH_BYTES = WEFT_WORK_LOOK_BYTES / 2 }; /* it may take a millisecond, without a callout */
    weft_work_did(WORTH_BYTES);
    PCRE2_SPTR bytes = subject.bytes == NULL ? (PCRE2_SPTR) "" : subject.bytes;
    pcre2_set_match_limit(scratch->context, limit);
    if (pattern->is_jit) {
        return outcome_of(pcre2_jit_match(code, bytes, subject.length, offset, 0, scratch->match, scratch->context));
    }
    return outcome_of(
        pcre2_match(code, bytes, subject.length, offset, PCRE2_NO_UTF_CHECK, scratch->match, scratch->context));
}

/* What one attempt may take without callouts, where nothing counts what it takes: not much, whatever all of them do. */
static uint32_t few_steps_for(const struct weft_pattern *pattern, size_t length)
{
    size_t attempts = pattern->is_anchored ? 1 : length + 1;
    return (uint32_t)((FEW_STEPS + length * FEW_STEPS_PER_BYTE) / attempts);
}

/* By PCRE2: subject is prepared, offset at the start of a character. A short one, where steps count, is tried without
 * callouts first, which ends soon: what needs more is rare. What is read of it counts. */
static enum weft_pattern_outcome run(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                     struct weft_slice subject, size_t offset)
{
    bool is_short = subject.length <= SHORT_BYTES;
    bool has_steps = scratch->steps_left != NULL;
    if (is_short && has_steps) {
        uint32_t few = few_steps_for(pattern, subject.length - offset);
        enum weft_pattern_outcome outcome = run_code(pattern, pattern->plain, few, scratch, subject, offset);
        size_t end = outcome == WEFT_PATTERN_MATCH ? pcre2_get_ovector_pointer(scratch->match)[1] : subject.length;
        if (!take_steps(scratch, end - offset + STEPS_OF_CALLOUT)) {
            return WEFT_PATTERN_LIMIT;
        }
        if (outcome != WEFT_PATTERN_LIMIT) {
            return outcome;
        }
    }
    return run_code(pattern, is_short && !has_steps ? pattern->plain : pattern->guarded,
                    is_short && has_steps ? (uint32_t)LONG_STEPS : steps_for(subject.length), scratch, subject, offset);
}

/* Of one match, or of a whole search. */
static void start_limits(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch, size_t length)
{
    scratch->callouts = 0;
    scratch->look_at = CALLOUTS_PER_LOOK;
    scratch->position = NULL;
    bool is_in_batch = scratch->steps_left == &scratch->batch_steps;
    if (is_in_batch) {
        scratch->batch_steps += BATCH_STEPS_PER_MATCH + (uint64_t)length * BATCH_STEPS_PER_BYTE;
    }
    if (scratch->steps_left != NULL) {
        uint64_t steps = (is_in_batch ? BATCH_STEPS_OF_MATCH : STEPS_OF_MATCH) + (uint64_t)length * STEPS_PER_BYTE;
        scratch->steps_of_match = steps < *scratch->steps_left ? steps : *scratch->steps_left;
    }
    bool is_limited = scratch->limit_ns > 0 && scratch->limit_ns < pattern->max_match_ns;
    scratch->max_match_ns = is_limited ? scratch->limit_ns : pattern->max_match_ns;
}

enum weft_pattern_outcome weft_pattern_match(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                                             struct weft_slice subject)
{
    struct weft_slice prepared;
    size_t start, end;
    start_limits(pattern, scratch, subject.length);
    if (is_plain(pattern, subject)) {
        return note_outcome(pattern, scratch, find_plain(pattern, scratch, subject, 0, 0, &start, &end));
    }
    return note_outcome(pattern, scratch,
                        prepare(pattern, scratch, subject, &prepared) ? run(pattern, scratch, prepared, 0)
                                                                      : WEFT_PATTERN_LIMIT);
}

bool weft_pattern_is_plain(const struct weft_pattern *pattern)
{
    return pattern->is_plain;
}

enum weft_pattern_outcome weft_pattern_match_plain(const struct weft_pattern *pattern, struct weft_slice subject)
{
    return !is_plain(pattern, subject)                           ? WEFT_PATTERN_LIMIT
           : weft_pattern_plain_matches(&pattern->text, subject) ? WEFT_PATTERN_MATCH
                                                                 : WEFT_PATTERN_NO;
}

void weft_pattern_search_start(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                               struct weft_slice subject, struct weft_pattern_search *out_search)
{
    weft_assert(!pattern->is_match_only);
    start_limits(pattern, scratch, subject.length);
    *out_search = (struct weft_pattern_search){
        .pattern = pattern, .scratch = scratch, .subject = subject, .last_end = SIZE_MAX
    };
    out_search->is_too_much = !prepare(pattern, scratch, subject, &out_search->repaired);
}

/* offset is not before the one asked for last. */
static size_t map_offset(struct weft_pattern_search *search, size_t offset)
{
    if (search->repaired.bytes == search->subject.bytes) {
        return offset;
    }
    struct weft_slice rest =
        weft_slice_of(search->subject.bytes + search->mapped, search->subject.length - search->mapped);
    search->mapped += weft_utf8_offset_before_repair(rest, offset - search->mapped_from);
    search->mapped_from = offset;
    return search->mapped;
}

/* Of a plain pattern, which is never empty. */
static enum weft_pattern_outcome find_next_plain(struct weft_pattern_search *search, size_t *out_start, size_t *out_end)
{
    if (search->at > search->subject.length) {
        return WEFT_PATTERN_NO;
    }
    enum weft_pattern_outcome outcome =
        find_plain(search->pattern, search->scratch, search->subject, search->at, STEPS_OF_FOUND, out_start, out_end);
    search->is_too_much = outcome == WEFT_PATTERN_LIMIT;
    search->at = outcome == WEFT_PATTERN_MATCH ? *out_end : search->subject.length + 1;
    return outcome;
}

static enum weft_pattern_outcome find_next(struct weft_pattern_search *search, size_t *out_start, size_t *out_end)
{
    if (search->is_too_much) {
        return WEFT_PATTERN_LIMIT;
    }
    if (is_plain(search->pattern, search->subject)) {
        return find_next_plain(search, out_start, out_end);
    }
    while (search->at <= search->repaired.length) {
        enum weft_pattern_outcome outcome = run(search->pattern, search->scratch, search->repaired, search->at);
        if (outcome != WEFT_PATTERN_MATCH) {
            search->is_too_much = outcome == WEFT_PATTERN_LIMIT;
            search->at = search->repaired.length + 1;
            return outcome;
        }
        if (search->scratch->steps_left != NULL && !take_steps(search->scratch, STEPS_OF_FOUND)) {
            search->is_too_much = true;
            return WEFT_PATTERN_LIMIT;
        }
        const size_t *found = pcre2_get_ovector_pointer(search->scratch->match);
        size_t start = found[0];
        size_t end = found[1];
        bool is_behind_last = start == end && start == search->last_end;
        size_t length = 1;
        if (end == search->at && end < search->repaired.length) {
            (void)weft_utf8_decode(weft_slice_of(search->repaired.bytes + end, search->repaired.length - end), &length);
        }
        search->at = end > search->at ? end : end + length;
        search->last_end = end;
        if (!is_behind_last) {
            *out_start = map_offset(search, start);
            *out_end = map_offset(search, end);
            return WEFT_PATTERN_MATCH;
        }
    }
    return WEFT_PATTERN_NO;
}

enum weft_pattern_outcome weft_pattern_search_next(struct weft_pattern_search *search, size_t *out_start,
                                                   size_t *out_end)
{
    return note_outcome(search->pattern, search->scratch, find_next(search, out_start, out_end));
}

/* In a batch a match brings steps with it, and there is no search to be told that there are none left. */
bool weft_pattern_find_few(const struct weft_pattern *pattern, struct weft_pattern_scratch *scratch,
                           struct weft_slice subject, struct weft_pattern_few *out_few)
{
    if (!is_plain(pattern, subject) || scratch->steps_left == &scratch->batch_steps ||
        !weft_pattern_plain_find_few(&pattern->text, subject, out_few)) {
        return false;
    }
    uint64_t steps = subject.length + STEPS_OF_CALLOUT + out_few->count * (STEPS_OF_CALLOUT + STEPS_OF_FOUND);
    if (scratch->steps_left != NULL && steps > *scratch->steps_left) {
        return false;
    }
    if (scratch->steps_left != NULL) {
        *scratch->steps_left -= steps;
    }
    return true;
}

bool weft_pattern_search_group(const struct weft_pattern_search *search, size_t group, struct weft_slice *out_text)
{
    const size_t *found = pcre2_get_ovector_pointer(search->scratch->match);
    if (group >= pcre2_get_ovector_count(search->scratch->match) || group > search->pattern->names.count ||
        found[2 * group] == PCRE2_UNSET) {
        return false;
    }
    size_t start = found[2 * group];
    size_t end = found[2 * group + 1];
    if (search->repaired.bytes != search->subject.bytes) {
        start = weft_utf8_offset_before_repair(search->subject, start);
        end = weft_utf8_offset_before_repair(search->subject, end);
    }
    *out_text = weft_slice_of(search->subject.bytes + start, end - start);
    return true;
}
