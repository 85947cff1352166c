/* Detectors in encoded texts (redaction_encoded.h). A text is searched as it is decoded, and what that holds again in
 * turn, one level each; where something is found, the run of base64 or the bytes of the percent-encoded text that stand
 * for it are told. */
#include "processors/redaction_encoded.h"

#include "base/assert.h"
#include "processors/redaction_encoded_internal.h"

enum { QUAD = WEFT_ENCODED_QUAD };

static weft_detector_set search(struct weft_encoded *encoded, size_t depth, struct weft_slice text);

/* ---- life ---- */

void weft_encoded_rules_init(struct weft_encoded_rules *rules, const struct weft_detector_filter *detectors,
                             unsigned encodings)
{
    *rules = (struct weft_encoded_rules){ .detectors = detectors, .encodings = encodings };
    for (size_t i = 0; i < sizeof rules->digits; i++) {
        uint8_t pair[2] = { (uint8_t)i, 'A' };
        uint8_t byte = 0;
        bool is_digit = weft_is_base64((uint8_t)i) && weft_detector_base64(pair, sizeof pair, &byte, 1) == 1;
        rules->digits[i] = is_digit ? byte >> 2 : WEFT_ENCODED_NO_DIGIT;
    }
}

static struct weft_buffer *buffer_of(struct weft_encoded *encoded, size_t index)
{
    enum { LEVEL_BUFFERS = 5 };
    if (index == (size_t)LEVEL_BUFFERS * WEFT_ENCODED_DEPTH) {
        return &encoded->hits;
    }
    if (index > (size_t)LEVEL_BUFFERS * WEFT_ENCODED_DEPTH) {
        return NULL;
    }
    struct weft_encoded_level *level = &encoded->levels[index / LEVEL_BUFFERS];
    struct weft_buffer *const buffers[LEVEL_BUFFERS] = { &level->decoded, &level->views[0].text,
                                                         &level->views[0].origin, &level->views[1].text,
                                                         &level->views[1].origin };
    return buffers[index % LEVEL_BUFFERS];
}

void weft_encoded_fini(struct weft_encoded *encoded)
{
    struct weft_buffer *buffer;
    for (size_t i = 0; (buffer = buffer_of(encoded, i)) != NULL; i++) {
        weft_buffer_fini(buffer);
    }
}

void weft_encoded_trim(struct weft_encoded *encoded)
{
    enum { KEPT_BYTES = 16 << 10 };
    struct weft_buffer *buffer;
    for (size_t i = 0; (buffer = buffer_of(encoded, i)) != NULL; i++) {
        if (buffer->capacity > KEPT_BYTES) {
            weft_buffer_fini(buffer);
            weft_buffer_init(buffer, 0);
        }
    }
}

/* ---- what is shared ---- */

/* Whether so many bytes more may be decoded. */
static bool spend(struct weft_encoded *encoded, size_t bytes)
{
    encoded->is_over = encoded->is_over || bytes > encoded->left_bytes;
    encoded->left_bytes -= encoded->is_over ? 0 : bytes;
    return !encoded->is_over;
}

/* Of a level below only what was found counts: where it stands is where that level does. */
static void add_hit(struct weft_encoded *encoded, size_t depth, struct weft_encoded_hit hit)
{
    if (depth == 0 && hit.found != 0) {
        weft_buffer_append(&encoded->hits, &hit, sizeof hit);
    }
}

/* ---- base64 ---- */

/* Behind the last whole quad of ASCII from `at` on. */
static size_t skip_ascii(const struct weft_encoded *encoded, struct weft_slice run, size_t at)
{
    while (run.length - at >= QUAD && weft_encoded_is_ascii_quad(encoded->rules, run.bytes + at)) {
        at += QUAD;
    }
    return at;
}

static void decode(struct weft_encoded *encoded, struct weft_slice part, struct weft_buffer *out)
{
    weft_work_did(part.length);
    uint8_t *bytes = weft_buffer_reserve(out, part.length);
    if (bytes != NULL) {
        out->length += weft_detector_base64(part.bytes, part.length, bytes, part.length);
    }
    encoded->is_over = encoded->is_over || bytes == NULL;
}

static weft_detector_set look_at_decoded(struct weft_encoded *encoded, size_t depth)
{
    struct weft_slice decoded = weft_buffer_slice(&encoded->levels[depth].decoded);
    weft_detector_set found = encoded->is_over ? 0 : weft_detectors_find(encoded->rules->detectors, decoded);
    return encoded->is_over || depth + 1 == WEFT_ENCODED_DEPTH ? found : found | search(encoded, depth + 1, decoded);
}

static bool is_separator(uint8_t byte)
{
    return byte == '/' || byte == '-' || byte == '_';
}

/* Whether a text of its own may begin within a part of a run: at a quad behind a separator. */
static bool has_pieces(struct weft_slice part)
{
    size_t at = QUAD;
    while (at < part.length && !is_separator(part.bytes[at - 1])) {
        at += QUAD;
    }
    return at < part.length;
}

/* The part decoded with an end of the line before each such place: what stands before it, a path, say, would else be a
 * part of the first word. */
static void decode_in_pieces(struct weft_encoded *encoded, struct weft_slice part, struct weft_buffer *out)
{
    size_t from = 0;
    weft_buffer_clear(out);
    for (size_t at = QUAD; at < part.length; at += QUAD) {
        if (is_separator(part.bytes[at - 1])) {
            decode(encoded, weft_slice_of(part.bytes + from, at - from), out);
            weft_buffer_append_byte(out, '\n');
            from = at;
        }
    }
    decode(encoded, weft_slice_of(part.bytes + from, part.length - from), out);
}

/* What is found in the characters of a run from start on, of which those before end are whole quads of ASCII: a text
 * may end in a part of one. */
static weft_detector_set look_at_part(struct weft_encoded *encoded, size_t depth, struct weft_slice run, size_t start,
                                      size_t end)
{
    struct weft_buffer *decoded = &encoded->levels[depth].decoded;
    size_t rest = run.length - end < QUAD ? run.length - end : QUAD - 1;
    struct weft_slice part = weft_slice_of(run.bytes + start, end + rest - start);
    if (!spend(encoded, part.length)) {
        return 0;
    }
    weft_buffer_clear(decoded);
    decode(encoded, part, decoded);
    weft_detector_set found = look_at_decoded(encoded, depth);
    if (found == 0 && has_pieces(part) && spend(encoded, part.length)) {
        decode_in_pieces(encoded, part, decoded);
        found = look_at_decoded(encoded, depth);
    }
    return found;
}

/* Adds what was found in a part of a run to the hit before it, if it lies there, or begins another: the encoded text
 * around it, up to what may separate it from others, and the = behind it. Parts come from left to right, so that the
 * bytes of a run are walked once, however much is found in it. */
static void add_part(struct weft_encoded *encoded, size_t depth, struct weft_slice text, struct weft_encoded_hit part,
                     struct weft_encoded_hit *in_out_hit)
{
    if (in_out_hit->found != 0 && part.start <= in_out_hit->end) {
        part.start = in_out_hit->start;
        part.end = part.end > in_out_hit->end ? part.end : in_out_hit->end;
        part.found |= in_out_hit->found;
    } else {
        add_hit(encoded, depth, *in_out_hit);
        while (part.start > 0 && weft_is_base64(text.bytes[part.start - 1]) && text.bytes[part.start - 1] != '/') {
            part.start--;
        }
    }
    while (part.end < text.length && weft_is_base64(text.bytes[part.end]) && text.bytes[part.end] != '/') {
        part.end++;
    }
    while (part.end < text.length && text.bytes[part.end] == '=') {
        part.end++;
    }
    *in_out_hit = part;
}

/* The run of base64 between from and to: wherever its quads begin. */
static weft_detector_set search_run(struct weft_encoded *encoded, size_t depth, struct weft_slice text, size_t from,
                                    size_t to)
{
    struct weft_slice run = weft_slice_of(text.bytes + from, to - from);
    weft_detector_set all = 0;
    for (size_t shift = 0; shift < QUAD; shift++) {
        struct weft_encoded_hit hit = { 0 };
        for (size_t at = shift, end; run.length - at >= WEFT_ENCODED_MIN_RUN && !encoded->is_over;
             at = end > at ? end : at + QUAD) {
            end = skip_ascii(encoded, run, at);
            weft_work_did(end - at + QUAD);
            weft_detector_set found = end - at >= WEFT_ENCODED_MIN_RUN ? look_at_part(encoded, depth, run, at, end) : 0;
            if (found != 0) {
                add_part(encoded, depth, text, (struct weft_encoded_hit){ from + at, from + end, found }, &hit);
            }
            all |= found;
        }
        add_hit(encoded, depth, hit);
    }
    return all;
}

/* Behind the characters of base64 from `at` on. */
static size_t skip_run(const struct weft_encoded *encoded, struct weft_slice text, size_t at)
{
    while (at < text.length && encoded->rules->digits[text.bytes[at]] < WEFT_ENCODED_NO_DIGIT) {
        at++;
    }
    return at;
}

/* Runs without ASCII in them are none of these. */
static weft_detector_set search_base64(struct weft_encoded *encoded, size_t depth, struct weft_slice text)
{
    weft_detector_set all = 0;
    struct weft_found where;
    if (!weft_encoded_find_ascii(encoded->rules, text, encoded->rules->detectors->has_vectors, &where)) {
        return 0;
    }
    size_t from = where.start;
    while (from > 0 && weft_is_base64(text.bytes[from - 1])) {
        from--;
    }
    for (size_t to; from < where.end; from = to + 1) {
        to = skip_run(encoded, text, from);
        if (to - from >= WEFT_ENCODED_MIN_RUN) {
            weft_work_did(to - from);
            all |= search_run(encoded, depth, text, from, to);
        }
    }
    return all;
}

/* ---- percent ---- */

static uint8_t value_of_hex(uint8_t byte)
{
    return weft_is_digit(byte) ? byte - '0' : (uint8_t)((byte | 0x20) - 'a' + 10);
}

/* False if there is nothing to decode. */
static bool decode_percent(struct weft_slice text, struct weft_unescaped *out_view)
{
    weft_buffer_clear(&out_view->text);
    weft_buffer_clear(&out_view->origin);
    if (weft_encoded_find_percent(text) == text.length) {
        return false;
    }
    uint8_t *out = weft_buffer_reserve(&out_view->text, text.length);
    uint32_t *origin = (void *)weft_buffer_reserve(&out_view->origin, (text.length + 1) * sizeof *origin);
    if (out == NULL || origin == NULL) {
        return true;
    }
    size_t count = 0;
    for (size_t at = 0; at < text.length; count++) {
        weft_work_did_each(count);
        uint8_t first = weft_byte_at(text, at + 1);
        uint8_t second = weft_byte_at(text, at + 2);
        bool is_encoded = text.bytes[at] == '%' && weft_is_hex(first) && weft_is_hex(second);
        out[count] = is_encoded ? (uint8_t)(value_of_hex(first) << 4 | value_of_hex(second)) : text.bytes[at];
        origin[count] = (uint32_t)at;
        at += is_encoded ? 3 : 1;
    }
    origin[count] = (uint32_t)text.length;
    out_view->text.length = count;
    out_view->origin.length = (count + 1) * sizeof *origin;
    return true;
}

/* Where the bytes of a view of a view stood at first. */
static void compose(const struct weft_unescaped *before, struct weft_unescaped *view)
{
    uint32_t *origins = (void *)view->origin.bytes;
    for (size_t i = 0; i < view->origin.length / sizeof *origins; i++) {
        weft_work_did_each(i);
        origins[i] = (uint32_t)weft_unescaped_origin(before, origins[i]);
    }
}

/* What detectors find in a view of the text, unless they have seen it, and in base64 within it. */
static weft_detector_set search_view(struct weft_encoded *encoded, size_t depth, const struct weft_unescaped *view,
                                     bool is_seen)
{
    struct weft_slice text = weft_buffer_slice(&view->text);
    weft_detector_set all = is_seen ? 0 : weft_detectors_find(encoded->rules->detectors, text);
    for (weft_detector_set left = depth == 0 ? all : 0; left != 0; left &= left - 1) {
        enum weft_detector_id id = (enum weft_detector_id)__builtin_ctz(left);
        struct weft_found found;
        for (size_t from = 0; weft_detector_next(id, text, from, &found); from = found.end) {
            struct weft_encoded_hit hit = { weft_unescaped_origin(view, found.start),
                                            weft_unescaped_origin(view, found.end), 1u << id };
            add_hit(encoded, depth, hit);
        }
    }
    size_t first = encoded->hits.length;
    if ((encoded->rules->encodings & WEFT_ENCODED_BASE64) != 0) {
        all |= search_base64(encoded, depth, text);
    }
    for (size_t at = first; at < encoded->hits.length; at += sizeof(struct weft_encoded_hit)) {
        struct weft_encoded_hit *hit = (void *)(encoded->hits.bytes + at);
        hit->start = weft_unescaped_origin(view, hit->start);
        hit->end = weft_unescaped_origin(view, hit->end);
    }
    return all;
}

/* The next view of a text; false if there is nothing to undo in it. */
static bool make_view(struct weft_encoded *encoded, bool is_percent, struct weft_slice text,
                      struct weft_unescaped *out_view)
{
    bool is_wanted = !is_percent || (encoded->rules->encodings & WEFT_ENCODED_PERCENT) != 0;
    if (!is_wanted || !(is_percent ? decode_percent(text, out_view) : weft_redaction_unescape(text, out_view))) {
        return false;
    }
    bool is_failed = out_view->text.is_failed || out_view->origin.is_failed;
    encoded->is_over = !spend(encoded, text.length) || is_failed;
    return true;
}

/* Undoes escapes and percent encoding in turn, as long as one of them changes something; each text that comes of it is
 * searched. unescaped: the first one without its escapes, which who asks has seen already; NULL: it has none, or nobody
 * knows. */
static weft_detector_set search_views(struct weft_encoded *encoded, size_t depth, struct weft_slice text,
                                      const struct weft_unescaped *unescaped)
{
    enum { STEPS = 2 * WEFT_ENCODED_DEPTH };
    struct weft_unescaped *views = encoded->levels[depth].views;
    const struct weft_unescaped *before = unescaped;
    weft_detector_set all = before == NULL ? 0 : search_view(encoded, depth, before, true);
    size_t changed_step = before != NULL; /* the one behind the last that changed something */
    for (size_t step = changed_step; step < STEPS && step < changed_step + 2; step++) {
        struct weft_unescaped *view = before == &views[0] ? &views[1] : &views[0];
        bool is_percent = step % 2 == 1;
        if (!make_view(encoded, is_percent, before == NULL ? text : weft_buffer_slice(&before->text), view)) {
            continue;
        }
        if (encoded->is_over) {
            break;
        }
        if (before != NULL) {
            compose(before, view);
        }
        all |= search_view(encoded, depth, view, false);
        before = view;
        changed_step = step + 1;
    }
    return all;
}

static weft_detector_set search(struct weft_encoded *encoded, size_t depth, struct weft_slice text)
{
    bool has_base64 = (encoded->rules->encodings & WEFT_ENCODED_BASE64) != 0;
    weft_detector_set all = has_base64 ? search_base64(encoded, depth, text) : 0;
    return all | search_views(encoded, depth, text, NULL);
}

weft_detector_set weft_encoded_find(struct weft_encoded *encoded, struct weft_slice text,
                                    const struct weft_unescaped *unescaped)
{
    enum { SPARE_BYTES = 4096 };
    weft_buffer_clear(&encoded->hits);
    encoded->is_over = encoded->rules->encodings != 0 && text.length > UINT32_MAX;
    if (encoded->rules->encodings == 0 || encoded->is_over) {
        return 0;
    }
    encoded->left_bytes = text.length * WEFT_ENCODED_MAX_FACTOR + SPARE_BYTES;
    bool has_views = unescaped != NULL || ((encoded->rules->encodings & WEFT_ENCODED_PERCENT) != 0 &&
                                           weft_encoded_find_percent(text) < text.length);
    bool has_base64 = (encoded->rules->encodings & WEFT_ENCODED_BASE64) != 0;
    weft_detector_set found = has_base64 ? search_base64(encoded, 0, text) : 0;
    found |= has_views ? search_views(encoded, 0, text, unescaped) : 0;
    encoded->is_over = encoded->is_over || encoded->hits.is_failed;
    return found;
}

static void widen(struct weft_found *where, size_t start, size_t end)
{
    where->start = start < where->start ? start : where->start;
    where->end = end > where->end ? end : where->end;
}

bool weft_encoded_may_find(const struct weft_encoded_rules *rules, struct weft_slice bytes,
                           struct weft_found *in_out_where)
{
    struct weft_found where;
    bool has_ascii = (rules->encodings & WEFT_ENCODED_BASE64) != 0 &&
                     weft_encoded_find_ascii(rules, bytes, rules->detectors->has_vectors, &where);
    if (has_ascii) {
        widen(in_out_where, where.start, where.end);
    }
    size_t percent = (rules->encodings & WEFT_ENCODED_PERCENT) != 0 ? weft_encoded_find_percent(bytes) : bytes.length;
    if (percent < bytes.length) {
        const uint8_t *last = memrchr(bytes.bytes, '%', bytes.length);
        widen(in_out_where, percent, (size_t)(last - bytes.bytes) + 1);
    }
    return has_ascii || percent < bytes.length;
}
