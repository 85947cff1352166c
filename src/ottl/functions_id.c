/* Converters that make ids. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"
#include "ottl/functions.h"
#include "ottl/functions_give.h"

enum { TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8, UUID_BYTES = 16 };

/* As many bytes, or twice as many hex digits. */
static enum weft_status read_id(struct weft_slice bytes, const char *name, size_t length, uint8_t *to,
                                struct weft_error *error)
{
    if (bytes.length != length && bytes.length != 2 * length) {
        return weft_fail(error, WEFT_INVALID, "%s: expected %zu bytes or %zu hex digits, not %zu", name, length,
                         2 * length, bytes.length);
    }
    if (bytes.length == length) {
        memcpy(to, bytes.bytes, length);
    } else if (!weft_hex_decode(bytes, to, length)) {
        return weft_fail(error, WEFT_INVALID, "%s: expected hex digits", name);
    }
    return WEFT_OK;
}

static enum weft_status make_id(const struct weft_ottl_call *call, size_t length, struct weft_error *error)
{
    uint8_t id[TRACE_ID_BYTES];
    const struct weft_ottl_value *target = &call->arguments[0];
    if (target->kind != WEFT_OTTL_STRING && target->kind != WEFT_OTTL_BYTES) {
        return WEFT_OK; /* known when it is called */
    }
    return read_id(target->bytes, call->function->name, length, id, error);
}

static enum weft_status make_trace_id(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                      void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return make_id(call, TRACE_ID_BYTES, error);
}

static enum weft_status make_span_id(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                     struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    return make_id(call, SPAN_ID_BYTES, error);
}

static enum weft_status give_id(struct weft_ottl_run *run, const struct weft_ottl_call *call, size_t length,
                                enum weft_ottl_kind kind, struct weft_ottl_value *out_value)
{
    const struct weft_ottl_value *target = &call->arguments[0];
    uint8_t *id = weft_ottl_run_take(run, length);
    if (id == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_slice bytes = target->kind == WEFT_OTTL_NIL ? WEFT_SLICE_EMPTY : target->bytes;
    *out_value = (struct weft_ottl_value){ .kind = kind, .bytes = { id, length } };
    return read_id(bytes, call->function->name, length, id, &run->error);
}

static enum weft_status trace_id(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 struct weft_ottl_value *out_value)
{
    return give_id(run, call, TRACE_ID_BYTES, WEFT_OTTL_TRACE_ID, out_value);
}

static enum weft_status span_id(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    return give_id(run, call, SPAN_ID_BYTES, WEFT_OTTL_SPAN_ID, out_value);
}

/* In the groups of RFC 9562, with its version and variant. */
static enum weft_status give_uuid(struct weft_ottl_run *run, uint8_t bytes[UUID_BYTES], uint8_t version,
                                  struct weft_ottl_value *out_value)
{
    struct weft_buffer *text = weft_ottl_scratch(run);
    bytes[6] = (uint8_t)((bytes[6] & 15) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 63) | 128);
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool begins_group = i == 4 || i == 6 || i == 8 || i == 10;
        weft_buffer_append_format(text, begins_group ? "-%02x" : "%02x", bytes[i]);
    }
    return weft_ottl_give_scratch(run, out_value);
}

static enum weft_status uuid(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                             struct weft_ottl_value *out_value)
{
    (void)call;
    uint8_t bytes[UUID_BYTES];
    weft_random_bytes(bytes, sizeof bytes);
    return give_uuid(run, bytes, 4, out_value);
}

/* The first 48 bits are the milliseconds since 1970. */
static enum weft_status uuid_v7(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                struct weft_ottl_value *out_value)
{
    (void)call;
    uint8_t bytes[UUID_BYTES];
    uint64_t milliseconds = (uint64_t)(weft_wall_now().ns / WEFT_NS_PER_MS);
    weft_random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < 6; i++) {
        bytes[i] = (uint8_t)(milliseconds >> (40 - 8 * i));
    }
    return give_uuid(run, bytes, 7, out_value);
}

#define OF_BYTES                                 \
    {                                            \
        {                                        \
            "target", WEFT_OTTL_TAKES_BYTES_LIKE \
        }                                        \
    }

const struct weft_ottl_function weft_ottl_functions_id[] = {
    { .name = "SpanID", .parameters = OF_BYTES, .make = make_span_id, .call = span_id },
    { .name = "TraceID", .parameters = OF_BYTES, .make = make_trace_id, .call = trace_id },
    { .name = "UUID", .call = uuid },
    { .name = "UUIDv7", .call = uuid_v7 },
    { .name = NULL },
};
