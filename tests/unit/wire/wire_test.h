#pragma once

/* What the tests of this floor share: random OTLP messages made from protobuf-c's descriptors, as wire bytes
 * with every freedom that the format has, and protobuf-c's own reading of bytes as the oracle. Include only
 * from test programs. */
#include <check.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "metrics.pb-c.h"
#include "suite.h"
#include "trace_service.pb-c.h"
#include "wire/otlp_check.h"
#include "wire/otlp_internal.h"
#include "wire/otlp_table.h"
#include "wire/protobuf.h"

#define UNUSED __attribute__((unused))

/* The request of any signal is laid out like that of traces; only what a record is differs. */
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest any_request;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans any_resource;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans any_scope;

struct random {
    uint64_t state;
    bool is_plain; /* canonical bytes: fields in order, shortest varints, nothing unknown or repeated */
};

static inline uint32_t random_next(struct random *random)
{
    random->state = random->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random->state >> 33);
}

static inline uint32_t random_below(struct random *random, uint32_t limit)
{
    return random_next(random) % limit;
}

static inline bool random_one_in(struct random *random, uint32_t count)
{
    return !random->is_plain && random_below(random, count) == 0;
}

/* A varint, at times longer than needed (but not beyond what every reader takes). */
static inline void random_put_varint(struct random *random, struct weft_buffer *out, uint64_t value, size_t max_length)
{
    uint8_t bytes[10];
    size_t length = (size_t)(weft_wire_put_varint(bytes, value) - bytes);
    if (length < max_length && random_one_in(random, 40)) {
        bytes[length - 1] |= 0x80;
        bytes[length++] = 0;
    }
    weft_buffer_append(out, bytes, length);
}

static inline void random_put_tag(struct random *random, struct weft_buffer *out, uint32_t number, uint32_t type)
{
    random_put_varint(random, out, number << 3 | type, 5);
}

static inline void random_put_bytes(struct random *random, struct weft_buffer *out, uint32_t number, const void *bytes,
                                    size_t length)
{
    random_put_tag(random, out, number, WEFT_WIRE_BYTES);
    random_put_varint(random, out, length, 5);
    weft_buffer_append(out, bytes, length);
}

static inline void random_put_text(struct random *random, struct weft_buffer *out, uint32_t number, size_t length)
{
    uint8_t text[400];
    for (size_t i = 0; i < length; i++) {
        text[i] = (uint8_t)('a' + random_below(random, 26));
    }
    random_put_bytes(random, out, number, text, length);
}

static inline uint64_t random_value(struct random *random)
{
    uint64_t value = (uint64_t)random_next(random) << 33 ^ (uint64_t)random_next(random) << 10 ^ random_next(random);
    return value >> random_below(random, 64);
}

static inline void random_put_fixed(struct random *random, struct weft_buffer *out, size_t size_bytes)
{
    uint64_t value = random_value(random);
    weft_buffer_append(out, &value, size_bytes);
}

/* A field that the schema does not have. No groups, which protobuf-c cannot read. */
static inline void random_put_unknown(struct random *random, struct weft_buffer *out)
{
    static const uint32_t numbers[] = { 30, 999, 1000, 5000, 536870911 };
    uint32_t number = numbers[random_below(random, 5)];
    switch (random_below(random, 4)) {
    case 0:
        random_put_tag(random, out, number, WEFT_WIRE_VARINT);
        random_put_varint(random, out, random_value(random), 10);
        return;
    case 1:
        random_put_tag(random, out, number, WEFT_WIRE_FIXED64);
        random_put_fixed(random, out, 8);
        return;
    case 2:
        random_put_tag(random, out, number, WEFT_WIRE_FIXED32);
        random_put_fixed(random, out, 4);
        return;
    default:
        random_put_text(random, out, number, random_below(random, 20));
    }
}

static void random_put_message(struct random *random, struct weft_buffer *out,
                               const ProtobufCMessageDescriptor *descriptor, unsigned depth);

static inline bool is_id_field(const ProtobufCFieldDescriptor *field)
{
    return strcmp(field->name, "trace_id") == 0 || strcmp(field->name, "span_id") == 0 ||
           strcmp(field->name, "parent_span_id") == 0 || strcmp(field->name, "profile_id") == 0;
}

static inline size_t id_length_of(const ProtobufCFieldDescriptor *field)
{
    return strcmp(field->name, "trace_id") == 0 || strcmp(field->name, "profile_id") == 0 ? 16 : 8;
}

static inline size_t fixed_size_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return 4;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

static inline void random_put_element(struct random *random, struct weft_buffer *out, ProtobufCType type)
{
    size_t fixed = fixed_size_of(type);
    if (fixed > 0) {
        random_put_fixed(random, out, fixed);
        return;
    }
    uint64_t value = type == PROTOBUF_C_TYPE_BOOL                                      ? random_below(random, 2)
                     : type == PROTOBUF_C_TYPE_INT64 || type == PROTOBUF_C_TYPE_UINT64 ? random_value(random)
                                                                                       : random_below(random, 1000);
    random_put_varint(random, out, value, 10);
}

static inline void random_put_packed(struct random *random, struct weft_buffer *out,
                                     const ProtobufCFieldDescriptor *field)
{
    struct weft_buffer packed;
    weft_buffer_init(&packed, 0);
    for (uint32_t i = random_below(random, 6); i > 0; i--) {
        random_put_element(random, &packed, field->type);
    }
    random_put_bytes(random, out, field->id, packed.bytes, packed.length);
    weft_buffer_fini(&packed);
}

static inline void random_put_field(struct random *random, struct weft_buffer *out,
                                    const ProtobufCFieldDescriptor *field, unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        struct weft_buffer inner;
        weft_buffer_init(&inner, 0);
        random_put_message(random, &inner, field->descriptor, depth + 1);
        random_put_bytes(random, out, field->id, inner.bytes, inner.length);
        weft_buffer_fini(&inner);
    } else if (is_id_field(field)) {
        random_put_text(random, out, field->id, random_one_in(random, 8) ? 0 : id_length_of(field));
    } else if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_BYTES) {
        random_put_text(random, out, field->id,
                        random_below(random, 10) == 0 ? random_below(random, 400) : random_below(random, 30));
    } else if (field->label == PROTOBUF_C_LABEL_REPEATED && !random_one_in(random, 2)) {
        random_put_packed(random, out, field);
    } else {
        size_t fixed = fixed_size_of(field->type);
        random_put_tag(random, out, field->id,
                       fixed == 8   ? WEFT_WIRE_FIXED64
                       : fixed == 4 ? WEFT_WIRE_FIXED32
                                    : WEFT_WIRE_VARINT);
        random_put_element(random, out, field->type);
    }
}

/* How often a field occurs. One member of a oneof at most: protobuf-c replaces where protobuf merges. */
static inline uint32_t random_count(struct random *random, const ProtobufCFieldDescriptor *field, unsigned depth)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE && depth > 9) {
        return 0;
    }
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return random_below(random, depth > 5 ? 2 : 4);
    }
    bool may_repeat = field->type != PROTOBUF_C_TYPE_MESSAGE;
    return may_repeat && random_one_in(random, 20) ? 2 : random_below(random, 4) != 0;
}

UNUSED static void random_put_message(struct random *random, struct weft_buffer *out,
                                      const ProtobufCMessageDescriptor *descriptor, unsigned depth)
{
    uint32_t left[32];
    uint32_t total = 0;
    uint32_t chosen = random_below(random, 32);
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        left[i] = is_oneof ? i == chosen % descriptor->n_fields && random_count(random, field, depth) > 0
                           : random_count(random, field, depth);
        total += left[i];
    }
    for (unsigned at = 0; total > 0;) {
        unsigned i = random->is_plain ? at : random_below(random, descriptor->n_fields);
        if (left[i] == 0) {
            at++;
            continue;
        }
        random_put_field(random, out, &descriptor->fields[i], depth);
        left[i]--;
        total--;
        if (random_one_in(random, 15)) {
            random_put_unknown(random, out);
        }
    }
}

/* A request in new memory; free with weft_free. */
UNUSED static struct weft_slice random_request(struct random *random, enum weft_signal signal)
{
    struct weft_buffer out;
    weft_buffer_init(&out, 0);
    random_put_message(random, &out, weft_otlp_request_descriptor(signal), 0);
    if (out.bytes == NULL) {
        ck_assert_ptr_nonnull(weft_buffer_reserve(&out, 1));
    }
    return weft_buffer_slice(&out);
}

UNUSED static any_request *oracle_read(enum weft_signal signal, struct weft_slice request)
{
    return (any_request *)protobuf_c_message_unpack(weft_otlp_request_descriptor(signal), NULL, request.length,
                                                    request.bytes);
}

UNUSED static void oracle_free(any_request *request)
{
    protobuf_c_message_free_unpacked(&request->base, NULL);
}

/* Packed again by protobuf-c, in new memory: the same for all encodings of the same message. */
UNUSED static struct weft_slice oracle_write(const any_request *request)
{
    size_t length = protobuf_c_message_get_packed_size(&request->base);
    uint8_t *bytes = weft_alloc(length + 1);
    ck_assert_uint_eq(protobuf_c_message_pack(&request->base, bytes), length);
    return weft_slice_of(bytes, length);
}

UNUSED static void slice_free(struct weft_slice slice)
{
    weft_free((void *)(uintptr_t)slice.bytes);
}

/* All slices in one run of new memory. */
UNUSED static struct weft_slice slices_join(const struct weft_slices *slices)
{
    uint8_t *bytes = weft_alloc(slices->length + 1);
    size_t at = 0;
    for (size_t i = 0; i < slices->count; i++) {
        memcpy(bytes + at, slices->items[i].bytes, slices->items[i].length);
        at += slices->items[i].length;
    }
    ck_assert_uint_eq(at, slices->length);
    return weft_slice_of(bytes, at);
}

#define ck_assert_slice_eq(left, right)                 \
    do {                                                \
        struct weft_slice left_ = (left);               \
        struct weft_slice right_ = (right);             \
        ck_assert_uint_eq(left_.length, right_.length); \
        ck_assert(weft_slice_equal(left_, right_));     \
    } while (0)

UNUSED static void assert_counts_equal(struct weft_otlp_counts left, struct weft_otlp_counts right)
{
    ck_assert_uint_eq(left.resources, right.resources);
    ck_assert_uint_eq(left.scopes, right.scopes);
    ck_assert_uint_eq(left.records, right.records);
    ck_assert_uint_eq(left.data_points, right.data_points);
}

/* The main of a test program with one case. */
UNUSED static int run_tests(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 100);
    for (size_t i = 0; i < count; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
