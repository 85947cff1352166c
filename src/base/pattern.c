/* Compiling (pattern.h). Each pattern is compiled twice: plain, for short subjects, and with callouts, for long ones:
 * before every attempt, since looking at each start position can take time that grows with the square of the length,
 * and behind every repetition, since an attempt that goes back through several of them reads the subject again and
 * again, which no limit of PCRE2 counts. What the callouts do is pattern_match.c. */
#include "base/pattern_internal.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

enum { TOLD_BYTES = 200 /* of a pattern, in the log */ };

static const char before_attempt[] = "(?C1)";
static const char behind_loop[] = "(?C2)";
static const int64_t default_match_ns = 50 * WEFT_NS_PER_MS;

static void *allocate(size_t size_bytes, void *context)
{
    (void)context;
    return weft_try_alloc_raw(size_bytes);
}

static void release(void *memory, void *context)
{
    (void)context;
    weft_free(memory);
}

pcre2_general_context *weft_pattern_memory(void)
{
    return pcre2_general_context_create(allocate, release, NULL);
}

bool weft_pattern_is_script(const char *name)
{
    char text[64];
    int code;
    size_t offset;
    int length = snprintf(text, sizeof text, "\\p{sc:%s}", name);
    if (length < 0 || (size_t)length >= sizeof text) {
        return false;
    }
    pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)text, (size_t)length, PCRE2_UTF, &code, &offset, NULL);
    pcre2_code_free(compiled);
    return compiled != NULL;
}

/* The text comes from the translator: what PCRE2 says against it is about its size, or a mistake of ours. */
static enum weft_status refuse_code(int code, struct weft_error *error)
{
    char reason[160] = "";
    pcre2_get_error_message(code, (PCRE2_UCHAR *)reason, sizeof reason);
    if (code == PCRE2_ERROR_HEAP_FAILED) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a regular expression");
    }
    return weft_fail(error, WEFT_UNSUPPORTED, "regular expression: %s", reason);
}

static enum weft_status compile_code(struct weft_slice text, pcre2_compile_context *context, pcre2_code **out_code,
                                     struct weft_error *error)
{
    static const uint32_t options =
        PCRE2_UTF | PCRE2_DOTALL | PCRE2_MULTILINE | PCRE2_ALT_CIRCUMFLEX | PCRE2_NEVER_BACKSLASH_C;
    int code;
    size_t offset;
    *out_code = pcre2_compile(text.bytes, text.length, options, &code, &offset, context);
    return *out_code != NULL ? WEFT_OK : refuse_code(code, error);
}

/* The pattern is a group of its own, so that the callout before an attempt stands before each alternative. */
static enum weft_status compile_both(struct weft_slice plain, struct weft_slice guarded, struct weft_pattern *pattern,
                                     struct weft_error *error)
{
    pcre2_general_context *general = weft_pattern_memory();
    pcre2_compile_context *context = general == NULL ? NULL : pcre2_compile_context_create(general);
    enum weft_status status = WEFT_NOMEM;
    if (context == NULL) {
        (void)weft_fail(error, WEFT_NOMEM, "no memory for a regular expression");
    } else {
        pcre2_set_newline(context, PCRE2_NEWLINE_LF);
        pcre2_set_parens_nest_limit(context, 4 * WEFT_PATTERN_MAX_DEPTH); /* a level of ours is up to three */
        status = compile_code(plain, context, &pattern->plain, error);
        status = status == WEFT_OK ? compile_code(guarded, context, &pattern->guarded, error) : status;
    }
    pcre2_compile_context_free(context);
    pcre2_general_context_free(general);
    return status;
}

static enum weft_status translate_and_compile(struct weft_slice text, const struct weft_pattern_options *options,
                                              struct weft_pattern *pattern, struct weft_error *error)
{
    struct weft_buffer plain = { 0 };
    struct weft_buffer guarded = { 0 };
    struct weft_pattern_names same_names = { 0 };
    weft_buffer_append_text(&guarded, before_attempt);
    enum weft_status status = weft_pattern_translate(text, options, "", &plain, &pattern->names, error);
    if (status == WEFT_OK) {
        status = weft_pattern_translate(text, options, behind_loop, &guarded, &same_names, error);
    }
    if (status == WEFT_OK) {
        status = compile_both(weft_buffer_slice(&plain), weft_buffer_slice(&guarded), pattern, error);
    }
    weft_pattern_names_fini(&same_names);
    weft_buffer_fini(&plain);
    weft_buffer_fini(&guarded);
    return status;
}

enum weft_status weft_pattern_compile(struct weft_slice text, const struct weft_pattern_options *options,
                                      struct weft_pattern **out_pattern, struct weft_error *error)
{
    static const struct weft_pattern_options no_options = { 0 };
    options = options == NULL ? &no_options : options;
    if (text.length > WEFT_PATTERN_MAX_TEXT_BYTES) {
        return weft_fail(error, WEFT_LIMIT, "regular expression: %zu bytes, more than 32 KiB", text.length);
    }
    struct weft_pattern *pattern = weft_try_alloc(sizeof *pattern);
    if (pattern == NULL) {
        return weft_fail(error, WEFT_NOMEM, "no memory for a regular expression");
    }
    pattern->max_match_ns = options->max_match_ns > 0 ? options->max_match_ns : default_match_ns;
    pattern->is_match_only = options->is_match_only;
    weft_buffer_append(&pattern->beginning, text.bytes, text.length < TOLD_BYTES ? text.length : TOLD_BYTES);
    if (weft_buffer_status(&pattern->beginning) != WEFT_OK) {
        weft_pattern_free(&pattern);
        return weft_fail(error, WEFT_NOMEM, "no memory for a regular expression");
    }
    enum weft_status status = translate_and_compile(text, options, pattern, error);
    if (status != WEFT_OK) {
        weft_pattern_free(&pattern);
        return status;
    }
    uint32_t options_now = 0;
    pattern->is_anchored = pcre2_pattern_info(pattern->plain, PCRE2_INFO_ALLOPTIONS, &options_now) == 0 &&
                           (options_now & PCRE2_ANCHORED) != 0;
    /* Where the system allows no memory that is written and then run, the interpreter does it. */
    pattern->is_jit = !options->is_interpreted && pcre2_jit_compile(pattern->plain, PCRE2_JIT_COMPLETE) == 0 &&
                      pcre2_jit_compile(pattern->guarded, PCRE2_JIT_COMPLETE) == 0;
    pattern->is_plain = !options->is_interpreted && weft_pattern_plain_of(text, &pattern->text);
    *out_pattern = pattern;
    return WEFT_OK;
}

void weft_pattern_free(struct weft_pattern **own_pattern)
{
    struct weft_pattern *pattern = *own_pattern;
    if (pattern != NULL) {
        pcre2_code_free(pattern->plain);
        pcre2_code_free(pattern->guarded);
        weft_pattern_names_fini(&pattern->names);
        weft_buffer_fini(&pattern->beginning);
        weft_free(pattern);
        *own_pattern = NULL;
    }
}

size_t weft_pattern_group_count(const struct weft_pattern *pattern)
{
    return pattern->names.count;
}

const char *weft_pattern_group_name(const struct weft_pattern *pattern, size_t group)
{
    weft_assert(group >= 1 && group <= pattern->names.count);
    return pattern->names.items[group - 1];
}

static void need_byte(uint32_t byte, uint64_t *words)
{
    enum { ASCII_END = 0x80, WORD_BITS = 64, CASE = 'a' ^ 'A' };
    words[0] = words[1] = 0;
    if (byte >= ASCII_END) {
        return;
    }
    words[byte / WORD_BITS] |= UINT64_C(1) << byte % WORD_BITS;
    bool is_letter = (byte | CASE) >= 'a' && (byte | CASE) <= 'z'; /* PCRE2 does not say if its case counts */
    if (is_letter) {
        words[byte / WORD_BITS] |= UINT64_C(1) << (byte ^ CASE) % WORD_BITS;
    }
}

struct weft_pattern_needs weft_pattern_needs_of(const struct weft_pattern *pattern)
{
    enum { HAS_BYTE = 1 };
    struct weft_pattern_needs needs = { { UINT64_MAX, UINT64_MAX }, { UINT64_MAX, UINT64_MAX } };
    uint32_t type = 0;
    uint32_t byte = 0;
    const uint8_t *bitmap = NULL;
    if (pcre2_pattern_info(pattern->plain, PCRE2_INFO_FIRSTCODETYPE, &type) == 0 && type == HAS_BYTE &&
        pcre2_pattern_info(pattern->plain, PCRE2_INFO_FIRSTCODEUNIT, &byte) == 0) {
        need_byte(byte, needs.start);
    } else if (type == 0 && pcre2_pattern_info(pattern->plain, PCRE2_INFO_FIRSTBITMAP, &bitmap) == 0 &&
               bitmap != NULL) {
        memcpy(needs.start, bitmap, sizeof needs.start); /* its first 128 bits; little-endian as all of weft */
    }
    if (pcre2_pattern_info(pattern->plain, PCRE2_INFO_LASTCODETYPE, &type) == 0 && type == HAS_BYTE &&
        pcre2_pattern_info(pattern->plain, PCRE2_INFO_LASTCODEUNIT, &byte) == 0) {
        need_byte(byte, needs.inside);
    }
    return needs;
}
