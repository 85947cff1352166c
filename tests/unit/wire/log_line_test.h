#pragma once

/* What the tests of log lines share: one line read, framed as a request, checked, decoded by protobuf-c, and shown as
 * OTLP/JSON, in which the expected is written. */
#include "wire/wire_test.h"

#include "logs.pb-c.h"
#include "logs_service.pb-c.h"
#include "wire/json_writer.h"
#include "wire/log_line.h"

#define OBSERVED_NS UINT64_C(1795450550000000000)
#define OBSERVED    "\"observedTimeUnixNano\":\"1795450550000000000\""

struct line_fixture {
    struct weft_log_line_reader *reader;
    struct weft_buffer out;
    struct weft_buffer json; /* of the last line's record */
    struct weft_log_line line;
};

static inline void line_fixture_init(struct line_fixture *fixture, size_t max_line_bytes)
{
    struct weft_log_line_settings settings = { .max_line_bytes = max_line_bytes };
    fixture->reader = weft_log_line_reader_new(&settings);
    weft_buffer_init(&fixture->out, 0);
    weft_buffer_init(&fixture->json, 0);
}

static inline void line_fixture_fini(struct line_fixture *fixture)
{
    weft_log_line_reader_free(fixture->reader);
    weft_buffer_fini(&fixture->out);
    weft_buffer_fini(&fixture->json);
}

static inline void put_framed(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    uint8_t *end = weft_wire_put_bytes_header(header, number, contents.length);
    weft_buffer_append(out, header, (size_t)(end - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* log_records: fields of ScopeLogs. Passes the check and protobuf-c with so many records. */
static inline void check_as_request(struct weft_slice log_records, uint32_t count)
{
    struct weft_buffer scope;
    struct weft_buffer request;
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_buffer_init(&scope, 0);
    weft_buffer_init(&request, 0);
    put_framed(&scope, 2, log_records);
    put_framed(&request, 1, weft_buffer_slice(&scope));
    enum weft_status status = weft_otlp_check(WEFT_LOGS, weft_buffer_slice(&request), NULL, &counts, &error);
    ck_assert_msg(status == WEFT_OK, "%s", error.text);
    ck_assert_uint_eq(counts.records, count);
    Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest *decoded =
        opentelemetry__proto__collector__logs__v1__export_logs_service_request__unpack(NULL, request.length,
                                                                                       request.bytes);
    ck_assert_ptr_nonnull(decoded);
    ck_assert_uint_eq(decoded->resource_logs[0]->scope_logs[0]->n_log_records, count);
    opentelemetry__proto__collector__logs__v1__export_logs_service_request__free_unpacked(decoded, NULL);
    weft_buffer_fini(&scope);
    weft_buffer_fini(&request);
}

/* The line lies in memory of exactly its length, so that a read past its end is seen. Slices of
 * fixture->line die with it. */
static inline const char *read_line(struct line_fixture *fixture, struct weft_slice line)
{
    uint8_t *copy = weft_alloc(line.length > 0 ? line.length : 1);
    if (line.length > 0) {
        memcpy(copy, line.bytes, line.length);
    }
    weft_buffer_clear(&fixture->out);
    weft_buffer_clear(&fixture->json);
    struct weft_slice exact = { copy, line.length };
    ck_assert_int_eq(weft_log_line_read(fixture->reader, exact, OBSERVED_NS, &fixture->out, &fixture->line), WEFT_OK);
    ck_assert_uint_eq(fixture->line.record_at + fixture->line.record_length, fixture->out.length);
    check_as_request(weft_buffer_slice(&fixture->out), 1);
    struct weft_slice record = { fixture->out.bytes + fixture->line.record_at, fixture->line.record_length };
    ck_assert_int_eq(
        weft_json_write_message(&opentelemetry__proto__logs__v1__log_record__descriptor, record, &fixture->json, NULL),
        WEFT_OK);
    weft_buffer_append_byte(&fixture->json, 0);
    weft_free(copy);
    return (const char *)fixture->json.bytes;
}

static inline const char *read_text_line(struct line_fixture *fixture, const char *line)
{
    return read_line(fixture, weft_slice_of_text(line));
}

static inline bool has_flag(const struct line_fixture *fixture, enum weft_line_flag flag)
{
    return (fixture->line.flags & 1u << flag) != 0;
}
