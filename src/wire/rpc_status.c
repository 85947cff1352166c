/* google.rpc.Status, RetryInfo and partial success (rpc_status.h; OTLP 1.x "Failures" and "Partial Success"). */
#include "wire/rpc_status.h"

#include "google_rpc.pb-c.h"
#include "wire/protobuf.h"
#include "wire/wire_scan.h"

static const char retry_info_url[] = "type.googleapis.com/google.rpc.RetryInfo";

enum { RETRY_INFO_MAX_BYTES = 64 };

static size_t pack_retry_info(int64_t retry_after_ns, uint8_t *out_bytes)
{
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;
    delay.seconds = retry_after_ns / 1000000000;
    delay.nanos = (int32_t)(retry_after_ns % 1000000000);
    Google__Rpc__RetryInfo info = GOOGLE__RPC__RETRY_INFO__INIT;
    info.retry_delay = &delay;
    return google__rpc__retry_info__pack(&info, out_bytes);
}

enum weft_status weft_rpc_status_write(int code, const char *message, int64_t retry_after_ns, struct weft_buffer *out)
{
    uint8_t info[RETRY_INFO_MAX_BYTES];
    Google__Protobuf__Any detail = GOOGLE__PROTOBUF__ANY__INIT;
    Google__Protobuf__Any *details[] = { &detail };
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = code;
    status.message = (char *)message;
    if (retry_after_ns >= 0) {
        detail.type_url = (char *)retry_info_url;
        detail.value.data = info;
        detail.value.len = pack_retry_info(retry_after_ns, info);
        status.details = details;
        status.n_details = 1;
    }
    uint8_t *to = weft_buffer_reserve(out, google__rpc__status__get_packed_size(&status));
    if (to == NULL) {
        return WEFT_NOMEM;
    }
    out->length += google__rpc__status__pack(&status, to);
    return WEFT_OK;
}

/* The last bytes field of that number; empty if there is none or the message does not parse. */
static struct weft_slice find_bytes(struct weft_slice message, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_slice found = WEFT_SLICE_EMPTY;
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number && field.type == WEFT_WIRE_BYTES) {
            found = field.bytes;
        }
    }
    return found;
}

static int64_t find_integer(struct weft_slice message, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    int64_t found = 0;
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == number && field.type == WEFT_WIRE_VARINT) {
            found = (int64_t)field.number_value;
        }
    }
    return found;
}

static int64_t duration_ns(struct weft_slice duration)
{
    int64_t seconds = find_integer(duration, 1);
    int64_t nanos = find_integer(duration, 2);
    if (seconds < 0 || nanos < 0 || nanos > 999999999) {
        return 0;
    }
    return seconds > INT64_MAX / 1000000000 - 1 ? INT64_MAX : seconds * 1000000000 + nanos;
}

int64_t weft_rpc_status_retry_delay_ns(struct weft_slice status)
{
    struct weft_wire_reader reader = weft_wire_reader_of(status);
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == 3 && field.type == WEFT_WIRE_BYTES &&
            weft_slice_equal_text(find_bytes(field.bytes, 1), retry_info_url)) {
            return duration_ns(find_bytes(find_bytes(field.bytes, 2), 1));
        }
    }
    return -1;
}

static bool is_protobuf(struct weft_slice message)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    while (has_field) {
        if (weft_wire_next(&reader, &field, &has_field, NULL) != WEFT_OK) {
            return false;
        }
    }
    return true;
}

struct weft_slice weft_rpc_status_message(struct weft_slice status)
{
    return is_protobuf(status) ? find_bytes(status, 2) : WEFT_SLICE_EMPTY;
}

enum weft_status weft_otlp_response_write(const struct weft_partial_success *partial, struct weft_buffer *out)
{
    enum { COUNT_TAG = 1 << 3 | WEFT_WIRE_VARINT };
    size_t message_length = weft_wire_size_bytes_header(2, partial->message.length) + partial->message.length;
    size_t length = 1 + weft_wire_size_varint(partial->rejected_count) + message_length;
    size_t whole_length = weft_wire_size_bytes_header(1, length) + length;
    uint8_t *start = weft_buffer_reserve(out, whole_length);
    if (start == NULL) {
        return WEFT_NOMEM;
    }
    uint8_t *to = weft_wire_put_bytes_header(start, 1, length);
    *to++ = COUNT_TAG;
    to = weft_wire_put_varint(to, partial->rejected_count);
    to = weft_wire_put_bytes_header(to, 2, partial->message.length);
    memcpy(to, partial->message.bytes, partial->message.length);
    out->length += whole_length;
    return WEFT_OK;
}

/* The first bytes field of that number in what is there of a message; *out_is_whole: to its end. */
static bool find_start_of_bytes(struct weft_slice start, uint32_t number, struct weft_slice *out_bytes,
                                bool *out_is_whole)
{
    struct weft_wire_reader reader = weft_wire_reader_of(start);
    struct weft_wire_field field;
    while (reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        if (field.number == number && field.type == WEFT_WIRE_BYTES) {
            *out_bytes = field.bytes;
            *out_is_whole = true;
            return true;
        }
    }
    uint32_t tag = 0;
    uint32_t length = 0;
    const uint8_t *at = weft_wire_read_small(reader.at, reader.end, &tag);
    at = at == NULL ? NULL : weft_wire_read_small(at, reader.end, &length);
    if (at == NULL || tag != (number << 3 | WEFT_WIRE_BYTES)) {
        return false;
    }
    *out_bytes = weft_slice_of(at, (size_t)(reader.end - at));
    *out_is_whole = false;
    return true;
}

static bool has_integer(struct weft_slice start, uint32_t number)
{
    struct weft_wire_reader reader = weft_wire_reader_of(start);
    struct weft_wire_field field;
    while (reader.at < reader.end && weft_wire_scan(&reader, &field) == NULL) {
        if (field.number == number && field.type == WEFT_WIRE_VARINT) {
            return true;
        }
    }
    return false;
}

bool weft_otlp_response_read_start(struct weft_slice start, struct weft_partial_success *out_partial)
{
    struct weft_slice partial, message = WEFT_SLICE_EMPTY;
    bool is_whole, is_message_whole;
    if (!find_start_of_bytes(start, 1, &partial, &is_whole) || (!is_whole && !has_integer(partial, 1))) {
        return false;
    }
    int64_t rejected = find_integer(partial, 1);
    if (!find_start_of_bytes(partial, 2, &message, &is_message_whole)) {
        message = WEFT_SLICE_EMPTY;
    }
    *out_partial =
        (struct weft_partial_success){ .rejected_count = rejected > 0 ? (uint64_t)rejected : 0, .message = message };
    return true;
}

bool weft_otlp_response_is_valid(struct weft_slice response)
{
    return is_protobuf(response) && is_protobuf(find_bytes(response, 1));
}

struct weft_partial_success weft_otlp_response_read(struct weft_slice response)
{
    struct weft_slice partial = find_bytes(response, 1);
    int64_t rejected = find_integer(partial, 1);
    return (struct weft_partial_success){
        .rejected_count = rejected > 0 ? (uint64_t)rejected : 0,
        .message = find_bytes(partial, 2),
    };
}
