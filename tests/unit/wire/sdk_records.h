#pragma once

/* Spans and log records as SDKs write them, with the odd one in between: the shapes that the short ways of this floor
 * know, and every neighbour of them. Include only from test programs. */
#include "wire/wire_test.h"

struct sdk {
    struct random random;
    uint32_t odd_one_in;   /* legal but unusual; 0 = never */
    uint32_t wrong_one_in; /* malformed; 0 = never */
    bool letters_only;     /* texts are of a to z */
};

static inline bool sdk_is_odd(struct sdk *sdk)
{
    return sdk->odd_one_in > 0 && random_below(&sdk->random, sdk->odd_one_in) == 0;
}

static inline bool sdk_is_wrong(struct sdk *sdk)
{
    return sdk->wrong_one_in > 0 && random_below(&sdk->random, sdk->wrong_one_in) == 0;
}

/* Most short, some at the bounds where a length needs one byte more, few long. */
static inline uint32_t sdk_length(struct sdk *sdk)
{
    static const uint32_t bounds[] = { 0, 1, 2, 16383, 16384 };
    uint32_t choice = random_below(&sdk->random, 100);
    return choice < 80   ? random_below(&sdk->random, 24)
           : choice < 92 ? 112 + random_below(&sdk->random, 20)
           : choice < 99 ? random_below(&sdk->random, 300)
                         : bounds[random_below(&sdk->random, WEFT_COUNT_OF(bounds))];
}

/* A varint that is spelled with `length` bytes, right or wrong. */
static inline void sdk_put_varint_of(struct weft_buffer *out, size_t length, uint8_t last)
{
    for (size_t i = 0; i + 1 < length; i++) {
        uint8_t byte = (uint8_t)(0x80 | (last + 37 * i));
        weft_buffer_append(out, &byte, 1);
    }
    weft_buffer_append(out, &last, 1);
}

static inline void sdk_put_length(struct sdk *sdk, struct weft_buffer *out, size_t length)
{
    if (sdk_is_wrong(sdk)) {
        length += random_below(&sdk->random, 2) == 0 ? 1 : (size_t)-1;
    }
    uint8_t bytes[10];
    size_t count = (size_t)(weft_wire_put_varint(bytes, (uint32_t)length) - bytes);
    if (count < 5 && sdk_is_odd(sdk)) {
        bytes[count - 1] |= 0x80;
        bytes[count++] = 0;
    }
    weft_buffer_append(out, bytes, count);
}

static inline void sdk_put_tag(struct sdk *sdk, struct weft_buffer *out, uint32_t number, uint32_t type)
{
    uint8_t bytes[10];
    size_t count =
        (size_t)(weft_wire_put_varint(bytes, number << 3 | (sdk_is_wrong(sdk) ? (type + 1) % 6 : type)) - bytes);
    if (sdk_is_odd(sdk)) {
        bytes[count - 1] |= 0x80;
        bytes[count++] = 0;
    }
    weft_buffer_append(out, bytes, count);
}

static inline void sdk_put_run(struct sdk *sdk, struct weft_buffer *out, uint32_t number, const void *bytes,
                               size_t length)
{
    sdk_put_tag(sdk, out, number, WEFT_WIRE_BYTES);
    sdk_put_length(sdk, out, length);
    if (length > 0) {
        weft_buffer_append(out, bytes, length);
    }
}

/* Text that can be taken for tags and lengths, if someone looks at the wrong place. */
static inline void sdk_put_text(struct sdk *sdk, struct weft_buffer *out, uint32_t number, uint32_t length)
{
    static uint8_t text[16384];
    for (uint32_t i = 0; i < length && i < 400; i++) {
        uint32_t any = random_next(&sdk->random);
        text[i] = (uint8_t)(sdk->letters_only ? 'a' + any % 26 : any);
    }
    sdk_put_run(sdk, out, number, text, length);
}

static inline void sdk_put_id(struct sdk *sdk, struct weft_buffer *out, uint32_t number, uint32_t length)
{
    if (sdk_is_odd(sdk)) {
        length = 0;
    } else if (sdk_is_wrong(sdk)) {
        length += random_below(&sdk->random, 2) == 0 ? 1 : (uint32_t)-1;
    }
    sdk_put_text(sdk, out, number, length);
}

static inline void sdk_put_number(struct sdk *sdk, struct weft_buffer *out, uint32_t number, uint64_t value)
{
    sdk_put_tag(sdk, out, number, WEFT_WIRE_VARINT);
    if (sdk_is_wrong(sdk)) {
        sdk_put_varint_of(out, 10 + random_below(&sdk->random, 2), (uint8_t)random_below(&sdk->random, 256));
    } else if (sdk_is_odd(sdk)) {
        sdk_put_varint_of(out, 1 + random_below(&sdk->random, 10), 1);
    } else {
        uint8_t bytes[10];
        weft_buffer_append(out, bytes, (size_t)(weft_wire_put_varint(bytes, value) - bytes));
    }
}

static inline void sdk_put_fixed(struct sdk *sdk, struct weft_buffer *out, uint32_t number, size_t size_bytes)
{
    sdk_put_tag(sdk, out, number, size_bytes == 8 ? WEFT_WIRE_FIXED64 : WEFT_WIRE_FIXED32);
    random_put_fixed(&sdk->random, out, size_bytes - sdk_is_wrong(sdk));
}

static inline void sdk_put_attribute(struct sdk *sdk, struct weft_buffer *out, uint32_t number, unsigned depth);

static inline void sdk_put_member(struct sdk *sdk, struct weft_buffer *out, unsigned depth)
{
    struct weft_buffer inner;
    struct weft_buffer value;
    uint32_t kind = random_below(&sdk->random, depth < 3 ? 14 : 12);
    switch (kind) {
    case 8:
        sdk_put_number(sdk, out, 2, random_below(&sdk->random, 2));
        return;
    case 9:
    case 10:
        sdk_put_number(sdk, out, 3, random_value(&sdk->random));
        return;
    case 11:
        sdk_put_fixed(sdk, out, 4, 8);
        return;
    case 12:
    case 13:
        weft_buffer_init(&inner, 0);
        weft_buffer_init(&value, 0);
        for (uint32_t i = random_below(&sdk->random, 3); i > 0; i--) {
            if (kind == 13) {
                sdk_put_attribute(sdk, &inner, 1, depth + 1);
                continue;
            }
            value.length = 0;
            sdk_put_member(sdk, &value, depth + 1);
            sdk_put_run(sdk, &inner, 1, value.bytes, value.length);
        }
        sdk_put_run(sdk, out, kind == 13 ? 6 : 5, inner.bytes, inner.length);
        weft_buffer_fini(&inner);
        weft_buffer_fini(&value);
        return;
    default:
        sdk_put_text(sdk, out, sdk_is_odd(sdk) ? 7 : 1, sdk_length(sdk));
    }
}

/* The contents of an AnyValue. */
static inline void sdk_put_value(struct sdk *sdk, struct weft_buffer *out, unsigned depth)
{
    if (!sdk_is_odd(sdk)) {
        sdk_put_member(sdk, out, depth);
    }
    if (sdk_is_odd(sdk)) {
        sdk_put_member(sdk, out, depth);
    }
    if (sdk_is_odd(sdk)) {
        random_put_unknown(&sdk->random, out);
    }
}

static inline void sdk_put_attribute(struct sdk *sdk, struct weft_buffer *out, uint32_t number, unsigned depth)
{
    struct weft_buffer inner;
    struct weft_buffer value;
    weft_buffer_init(&inner, 0);
    weft_buffer_init(&value, 0);
    bool is_reversed = sdk_is_odd(sdk);
    bool has_value = !sdk_is_odd(sdk);
    if (!is_reversed) {
        sdk_put_text(sdk, &inner, 1, sdk_length(sdk) % 260);
    }
    for (unsigned i = has_value + sdk_is_odd(sdk); i > 0; i--) {
        value.length = 0;
        sdk_put_value(sdk, &value, depth);
        sdk_put_run(sdk, &inner, 2, value.bytes, value.length);
    }
    if (is_reversed || sdk_is_odd(sdk)) {
        sdk_put_text(sdk, &inner, 1, sdk_length(sdk) % 260);
    }
    if (sdk_is_odd(sdk)) {
        random_put_unknown(&sdk->random, &inner);
    }
    sdk_put_run(sdk, out, number, inner.bytes, inner.length);
    weft_buffer_fini(&inner);
    weft_buffer_fini(&value);
}

static inline void sdk_put_attributes(struct sdk *sdk, struct weft_buffer *out, uint32_t number, uint32_t limit)
{
    for (uint32_t i = random_below(&sdk->random, limit); i > 0; i--) {
        sdk_put_attribute(sdk, out, number, 0);
        if (sdk_is_odd(sdk)) {
            random_put_unknown(&sdk->random, out);
        }
    }
}

/* The contents of a Status, Event or Link. */
static inline void sdk_put_status(struct sdk *sdk, struct weft_buffer *out)
{
    if (random_below(&sdk->random, 2) == 0) {
        sdk_put_text(sdk, out, 2, random_below(&sdk->random, 12));
    }
    sdk_put_number(sdk, out, 3, 1 + random_below(&sdk->random, 2));
}

static inline void sdk_put_event(struct sdk *sdk, struct weft_buffer *out)
{
    sdk_put_fixed(sdk, out, 1, 8);
    sdk_put_text(sdk, out, 2, sdk_length(sdk) % 40);
    sdk_put_attributes(sdk, out, 3, 3);
}

static inline void sdk_put_link(struct sdk *sdk, struct weft_buffer *out)
{
    sdk_put_id(sdk, out, 1, 16);
    sdk_put_id(sdk, out, 2, 8);
    sdk_put_attributes(sdk, out, 4, 2);
    sdk_put_fixed(sdk, out, 6, 4);
}

static inline void sdk_put_messages(struct sdk *sdk, struct weft_buffer *out, uint32_t number,
                                    void (*put)(struct sdk *sdk, struct weft_buffer *out))
{
    for (uint32_t i = random_below(&sdk->random, 5) / 3; i > 0; i--) {
        struct weft_buffer inner;
        weft_buffer_init(&inner, 0);
        put(sdk, &inner);
        sdk_put_run(sdk, out, number, inner.bytes, inner.length);
        weft_buffer_fini(&inner);
    }
}

static inline void sdk_put_span(struct sdk *sdk, struct weft_buffer *out)
{
    sdk_put_id(sdk, out, 1, 16);
    sdk_put_id(sdk, out, 2, 8);
    if (sdk_is_odd(sdk)) {
        sdk_put_text(sdk, out, 3, sdk_length(sdk) % 30);
    }
    if (random_below(&sdk->random, 3) > 0) {
        sdk_put_id(sdk, out, 4, 8);
    }
    if (sdk_is_odd(sdk)) {
        sdk_put_fixed(sdk, out, 16, 4);
    }
    sdk_put_text(sdk, out, 5, sdk_length(sdk) % 140);
    sdk_put_number(sdk, out, 6, random_below(&sdk->random, 6));
    sdk_put_fixed(sdk, out, 7, 8);
    sdk_put_fixed(sdk, out, 8, 8);
    sdk_put_attributes(sdk, out, 9, 7);
    if (sdk_is_odd(sdk)) {
        sdk_put_number(sdk, out, 10, 4);
    }
    sdk_put_messages(sdk, out, 11, sdk_put_event);
    sdk_put_messages(sdk, out, 13, sdk_put_link);
    sdk_put_messages(sdk, out, 15, sdk_put_status);
}

static inline void sdk_put_log_record(struct sdk *sdk, struct weft_buffer *out)
{
    struct weft_buffer body;
    weft_buffer_init(&body, 0);
    sdk_put_fixed(sdk, out, 1, 8);
    sdk_put_number(sdk, out, 2, 1 + random_below(&sdk->random, 24));
    sdk_put_text(sdk, out, 3, 4);
    sdk_put_value(sdk, &body, 0);
    sdk_put_run(sdk, out, 5, body.bytes, body.length);
    sdk_put_attributes(sdk, out, 6, 7);
    sdk_put_fixed(sdk, out, 8, 4);
    sdk_put_id(sdk, out, 9, 16);
    sdk_put_id(sdk, out, 10, 8);
    sdk_put_fixed(sdk, out, 11, 8);
    weft_buffer_fini(&body);
}

/* A gauge of two points. */
static inline void sdk_put_metric(struct sdk *sdk, struct weft_buffer *out)
{
    struct weft_buffer point;
    struct weft_buffer gauge;
    weft_buffer_init(&point, 0);
    weft_buffer_init(&gauge, 0);
    for (unsigned i = 0; i < 2; i++) {
        point.length = 0;
        sdk_put_fixed(sdk, &point, 3, 8);
        sdk_put_attributes(sdk, &point, 7, 5);
        sdk_put_run(sdk, &gauge, 1, point.bytes, point.length);
    }
    sdk_put_text(sdk, out, 1, 9);
    sdk_put_run(sdk, out, 5, gauge.bytes, gauge.length);
    weft_buffer_fini(&point);
    weft_buffer_fini(&gauge);
}

enum { SDK_SIGNAL_COUNT = WEFT_LOGS + 1 }; /* no SDK writes profiles */

static inline void sdk_put_record(struct sdk *sdk, struct weft_buffer *out, enum weft_signal signal)
{
    if (signal == WEFT_TRACES) {
        sdk_put_span(sdk, out);
    } else if (signal == WEFT_LOGS) {
        sdk_put_log_record(sdk, out);
    } else {
        sdk_put_metric(sdk, out);
    }
}

/* A request of one record with these contents, in memory of its own and exact length: a read past its end is seen.
 * Free with slice_free. */
UNUSED static struct weft_slice request_of_record(struct weft_slice record)
{
    static const uint32_t numbers[] = { 2, 2, 1 };
    uint8_t headers[45];
    size_t room = sizeof headers;
    size_t length = record.length;
    for (size_t i = 0; i < WEFT_COUNT_OF(numbers); i++) {
        size_t size = weft_wire_size_bytes_header(numbers[i], length);
        room -= size;
        weft_wire_put_bytes_header(headers + room, numbers[i], length);
        length += size;
    }
    uint8_t *request = weft_alloc(length);
    memcpy(request, headers + room, sizeof headers - room);
    if (record.length > 0) {
        memcpy(request + sizeof headers - room, record.bytes, record.length);
    }
    return weft_slice_of(request, length);
}
