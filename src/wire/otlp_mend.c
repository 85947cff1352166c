/* Requests with strings that are no UTF-8 (otlp_mend.h): a walk by the same tables as the check's, which copies field
 * by field. Called for requests in which there is one; records without one are copied as a whole. A message is written
 * behind room for its length as it was, and moved where the new one needs more or fewer bytes. Recursion is bounded by
 * the check. */
#include "wire/otlp_mend.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/utf8.h"
#include "wire/checked.h"
#include "wire/otlp_internal.h"
#include "wire/otlp_resources.h"
#include "wire/otlp_rules.h"
#include "wire/wire_scan.h"

enum {
    LENGTH_GROWTH = 4, /* bytes, of one message's length: five at most instead of one */
    NEAR_BYTES = 8,
};

struct mend {
    const struct weft_otlp_mending *mending;
    struct weft_payload *out;
    const uint8_t *first_bad; /* NULL: none found yet */
    size_t room_bytes;        /* by which the request may still grow */
    uint64_t kept_records;
    uint64_t rejections; /* of whatever size */
    uint64_t changes;    /* those, and repairs */
};

static const struct weft_slice replacement = { (const uint8_t *)"\xef\xbf\xbd", 3 };
static const struct weft_slice short_replacement = { (const uint8_t *)"?", 1 };

static struct weft_otlp_rule rule_of(enum weft_otlp_message message, const struct weft_wire_field *field)
{
    bool is_known = field->number < WEFT_OTLP_FIELD_LIMIT && field->type == WEFT_WIRE_BYTES &&
                    weft_otlp_rules[message][field->number].wire_type == WEFT_WIRE_BYTES;
    return is_known ? weft_otlp_rules[message][field->number] : (struct weft_otlp_rule){ 0 };
}

/* ---- looking ---- */

/* Records of a scope, scopes of a resource, and the data of a metric: what is judged on its own. */
static bool is_row(enum weft_otlp_message message, struct weft_otlp_rule rule)
{
    return rule.kind == OTLP_RECORD || rule.kind == OTLP_SCOPE_X || rule.kind == OTLP_RESOURCE_X ||
           (message == OTLP_METRIC && rule.kind == OTLP_MESSAGE);
}

static bool is_point(enum weft_otlp_message message)
{
    return message == OTLP_NUMBER_POINT || message == OTLP_HISTOGRAM_POINT || message == OTLP_EXPONENTIAL_POINT ||
           message == OTLP_SUMMARY_POINT;
}

static bool is_text(struct mend *mend, const struct weft_wire_field *field)
{
    if (weft_utf8_is_valid(field->bytes.bytes, field->bytes.bytes + field->bytes.length)) {
        return true;
    }
    mend->first_bad = mend->first_bad == NULL ? field->whole.bytes : mend->first_bad;
    return false;
}

static bool is_clean(struct mend *mend, enum weft_otlp_message message, struct weft_slice contents, bool with_rows);

static bool is_field_clean(struct mend *mend, struct weft_otlp_rule rule, const struct weft_wire_field *field)
{
    switch ((enum weft_otlp_kind)rule.kind) {
    case OTLP_STRING:
        return is_text(mend, field);
    case OTLP_MESSAGE:
    case OTLP_ATTRIBUTE:
    case OTLP_RECORD:
    case OTLP_SCOPE_X:
    case OTLP_RESOURCE_X:
        return is_clean(mend, rule.child, field->bytes, true);
    default:
        return true;
    }
}

/* Whether all strings in a message are UTF-8; without its rows those of its head. */
static bool is_clean(struct mend *mend, enum weft_otlp_message message, struct weft_slice contents, bool with_rows)
{
    struct weft_wire_reader reader = weft_wire_reader_of(contents);
    struct weft_wire_field field;
    while (reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        struct weft_otlp_rule rule = rule_of(message, &field);
        if ((with_rows || !is_row(message, rule)) && !is_field_clean(mend, rule, &field)) {
            return false;
        }
    }
    return true;
}

static uint64_t weight_of(enum weft_signal signal, struct weft_slice request)
{
    struct weft_otlp_resource_walk walk = weft_otlp_resources_of(signal, request);
    struct weft_otlp_resource_part part;
    uint64_t weight = 0;
    while (weft_otlp_resources_next(&walk, &part)) {
        weight += part.weight;
    }
    return weight;
}

/* ---- writing ---- */

static bool make_room(struct mend *mend, size_t length)
{
    struct weft_payload *out = mend->out;
    if (out->capacity - out->length >= length) {
        return true;
    }
    size_t needed = out->length + length;
    size_t wanted = out->capacity + out->capacity / 2;
    return weft_payload_reserve(out, wanted > needed ? wanted : needed) == WEFT_OK;
}

static bool put(struct mend *mend, struct weft_slice bytes)
{
    if (!make_room(mend, bytes.length)) {
        return false;
    }
    if (bytes.length > 0) {
        weft_payload_append(mend->out, bytes.bytes, bytes.length);
    }
    return true;
}

/* The tag of a length-delimited field as it was. */
static bool put_tag(struct mend *mend, const struct weft_wire_field *field)
{
    uint32_t tag;
    const uint8_t *after = weft_wire_read_small(field->whole.bytes, field->whole.bytes + field->whole.length, &tag);
    weft_assert(after != NULL);
    return put(mend, weft_slice_of(field->whole.bytes, (size_t)(after - field->whole.bytes)));
}

static bool put_length(struct mend *mend, size_t length)
{
    uint8_t bytes[10];
    return put(mend, weft_slice_of(bytes, (size_t)(weft_wire_put_varint(bytes, length) - bytes)));
}

static struct weft_slice behind(struct weft_slice text, size_t length)
{
    return weft_slice_of(text.bytes + length, text.length - length);
}

/* No character begins so. */
static bool begins_nothing(uint8_t byte)
{
    return (byte >= 0x80 && byte < 0xc2) || byte > 0xf4;
}

/* What stands before the next mark; *out_torn: how much that mark stands for, 0 at the end. Marks that are near are
 * found without a call: whole texts may be made of nothing else. */
static size_t length_before_mark(struct weft_slice text, size_t *out_torn)
{
    size_t near = text.length < NEAR_BYTES ? text.length : NEAR_BYTES;
    for (size_t at = 0; at < near && (text.bytes[at] < 0x80 || begins_nothing(text.bytes[at])); at++) {
        if (text.bytes[at] >= 0x80) {
            *out_torn = 1;
            return at;
        }
    }
    size_t valid = weft_utf8_valid_length(text);
    *out_torn = valid == text.length ? 0 : weft_utf8_torn_length(behind(text, valid));
    return valid;
}

static size_t repaired_length(struct weft_slice text, size_t mark_length)
{
    size_t length = 0;
    while (text.length > 0) {
        size_t torn;
        size_t valid = length_before_mark(text, &torn);
        length += valid + (torn > 0 ? mark_length : 0);
        text = behind(text, valid + torn);
    }
    return length;
}

/* There is room. */
static void write_repaired(struct weft_payload *out, struct weft_slice text, struct weft_slice mark)
{
    uint8_t *start = out->bytes + out->length, *to = start;
    while (text.length > 0) {
        size_t torn;
        size_t valid = length_before_mark(text, &torn);
        memcpy(to, text.bytes, valid);
        to += valid;
        for (size_t i = 0; torn > 0 && i < mark.length; i++) {
            *to++ = mark.bytes[i];
        }
        text = behind(text, valid + torn);
    }
    weft_payload_commit(out, (size_t)(to - start));
}

static bool put_text(struct mend *mend, const struct weft_wire_field *field, uint32_t level)
{
    struct weft_slice text = field->bytes;
    struct weft_slice mark = replacement;
    size_t length = repaired_length(text, mark.length);
    size_t growth = length > text.length ? length - text.length + (size_t)LENGTH_GROWTH * (level + 1) : 0;
    if (growth > mend->room_bytes) {
        mark = short_replacement;
        length = repaired_length(text, mark.length);
        growth = 0;
    }
    mend->room_bytes -= growth;
    mend->changes++;
    if (!put_tag(mend, field) || !put_length(mend, length) || !make_room(mend, length)) {
        return false;
    }
    write_repaired(mend->out, text, mark);
    return true;
}

/* The message that has been written from `at` on, behind room for a length of `width` bytes. */
static bool close_message(struct mend *mend, size_t at, size_t width)
{
    struct weft_payload *out = mend->out;
    size_t length = out->length - at - width;
    size_t needed = weft_wire_size_varint(length);
    if (needed != width) {
        if (needed > width && !make_room(mend, needed - width)) {
            return false;
        }
        memmove(out->bytes + at + needed, out->bytes + at + width, length);
        if (needed > width) {
            weft_payload_commit(out, needed - width);
        } else {
            out->length -= width - needed;
        }
    }
    weft_wire_put_varint(out->bytes + at, length);
    return true;
}

static bool put_field(struct mend *mend, struct weft_otlp_rule rule, const struct weft_wire_field *field,
                      uint32_t level);

/* Child by child, none of which is looked through beforehand: a text that lies deep would be, once for each level. A
 * message in which nothing had to change keeps a length that was longer than it needed to be. */
static bool put_message(struct mend *mend, enum weft_otlp_message message, const struct weft_wire_field *field,
                        uint32_t level)
{
    static const uint8_t room[10] = { 0 };
    size_t start = mend->out->length;
    uint64_t changes = mend->changes;
    size_t width = weft_wire_size_varint(field->bytes.length);
    if (!put_tag(mend, field) || !put(mend, weft_slice_of(room, width))) {
        return false;
    }
    size_t at = mend->out->length - width;
    struct weft_wire_reader reader = weft_wire_reader_of(field->bytes);
    struct weft_wire_field child;
    while (reader.at < reader.end && weft_wire_scan(&reader, &child) == NULL) {
        if (!put_field(mend, rule_of(message, &child), &child, level + 1)) {
            return false;
        }
    }
    if (mend->changes == changes && mend->out->length - start != field->whole.length) {
        mend->out->length = start;
        return put(mend, field->whole);
    }
    return close_message(mend, at, width);
}

static void count_rejection(struct mend *mend)
{
    mend->rejections++;
    mend->changes++;
}

/* A record in which there is a bad string, and which is to be rejected: points on their own, everything else as a
 * whole. */
static bool reject_record(struct mend *mend, enum weft_otlp_message message, const struct weft_wire_field *field,
                          uint32_t level)
{
    size_t start = mend->out->length;
    count_rejection(mend);
    if (message != OTLP_METRIC || !is_clean(mend, OTLP_METRIC, field->bytes, false)) {
        return true;
    }
    if (!put_message(mend, message, field, level)) {
        return false;
    }
    struct weft_wire_reader written =
        weft_wire_reader_of(weft_slice_of(mend->out->bytes + start, mend->out->length - start));
    struct weft_wire_field metric;
    const char *fault = weft_wire_scan(&written, &metric);
    weft_assert(fault == NULL);
    if (weft_otlp_metric_points(metric.bytes) == 0 && weft_otlp_metric_points(field->bytes) > 0) {
        mend->out->length = start;
    } else {
        mend->kept_records++;
    }
    return true;
}

/* A resource or a scope with all in it. */
static bool put_group(struct mend *mend, struct weft_otlp_rule rule, const struct weft_wire_field *field,
                      uint32_t level)
{
    const struct weft_otlp_mending *mending = mend->mending;
    size_t start = mend->out->length;
    uint64_t kept = mend->kept_records;
    uint64_t rejections = mend->rejections;
    if (mending->is_rejecting && !is_clean(mend, rule.child, field->bytes, false)) {
        count_rejection(mend);
    } else if (!put_message(mend, rule.child, field, level)) {
        return false;
    }
    if (mend->rejections == rejections) {
        return true;
    }
    if (mend->kept_records == kept) {
        mend->out->length = start;
    }
    if (rule.kind == OTLP_RESOURCE_X && mending->on_rejected != NULL) {
        struct weft_slice left = weft_slice_of(mend->out->bytes + start, mend->out->length - start);
        mending->on_rejected(mending->context, field->bytes,
                             weight_of(mending->signal, field->whole) - weight_of(mending->signal, left));
    }
    return true;
}

static bool put_record(struct mend *mend, struct weft_otlp_rule rule, const struct weft_wire_field *field,
                       uint32_t level)
{
    bool is_whole = is_clean(mend, rule.child, field->bytes, true);
    if (!is_whole && mend->mending->is_rejecting) {
        return reject_record(mend, rule.child, field, level);
    }
    mend->kept_records++;
    return is_whole ? put(mend, field->whole) : put_message(mend, rule.child, field, level);
}

static bool put_field(struct mend *mend, struct weft_otlp_rule rule, const struct weft_wire_field *field,
                      uint32_t level)
{
    switch ((enum weft_otlp_kind)rule.kind) {
    case OTLP_STRING:
        return is_text(mend, field) ? put(mend, field->whole) : put_text(mend, field, level);
    case OTLP_RECORD:
        return put_record(mend, rule, field, level);
    case OTLP_SCOPE_X:
    case OTLP_RESOURCE_X:
        return put_group(mend, rule, field, level);
    case OTLP_MESSAGE:
    case OTLP_ATTRIBUTE:
        if (mend->mending->is_rejecting && is_point(rule.child) && !is_clean(mend, rule.child, field->bytes, true)) {
            count_rejection(mend);
            return true;
        }
        return put_message(mend, rule.child, field, level);
    default:
        return put(mend, field->whole);
    }
}

enum weft_status weft_otlp_mend(const struct weft_otlp_mending *mending, struct weft_slice request,
                                struct weft_payload *out, struct weft_otlp_counts *out_counts, size_t *out_first_bad,
                                struct weft_error *error)
{
    weft_assert(out->length == 0);
    struct mend mend = { .mending = mending,
                         .out = out,
                         .room_bytes = mending->max_bytes > request.length ? mending->max_bytes - request.length : 0 };
    struct weft_wire_reader reader = weft_wire_reader_of(request);
    struct weft_wire_field field;
    bool is_put = make_room(&mend, request.length);
    while (is_put && reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        is_put = put_field(&mend, rule_of(weft_otlp_request_message(mending->signal), &field), &field, 0);
    }
    if (!is_put) {
        return weft_fail(error, WEFT_NOMEM, "no memory to write the request anew");
    }
    *out_first_bad = mend.first_bad == NULL ? 0 : (size_t)(mend.first_bad - request.bytes);
    return weft_otlp_check(mending->signal, weft_payload_slice(out), NULL, out_counts, error);
}

void weft_otlp_mend_place(enum weft_signal signal, struct weft_slice request, size_t first_bad, char *out_text,
                          size_t text_size)
{
    char path[288];
    weft_otlp_path(signal, request, request.bytes + first_bad, path, sizeof path);
    snprintf(out_text, text_size, "byte %zu: %s", first_bad, path);
}
