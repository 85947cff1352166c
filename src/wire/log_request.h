#pragma once

#include "base/payload.h"
#include "wire/log_line.h"
#include "wire/otlp_check.h"

/* Log lines gathered into one ExportLogsServiceRequest: records of one service, environment and source stand under one
 * resource and scope, in the order in which they came. Only the latest WEFT_LOG_REQUEST_RESOURCES of these are looked
 * through for each line, so that lines of ever new services cost no more than others; one that comes again later stands
 * under a second resource of the same name. */
struct weft_log_request;

enum { WEFT_LOG_REQUEST_RESOURCES = 64 };

/* What resources say of a line's service and environment. */
extern const struct weft_slice weft_log_service_key, weft_log_environment_key;

struct weft_log_request *weft_log_request_new(const struct weft_log_line_settings *settings);
void weft_log_request_free(struct weft_log_request *request);

/* Empty again; keeps the memory, or gives it back where it has grown beyond what is usual. */
void weft_log_request_clear(struct weft_log_request *request);

/* Where the lines from now on come from (weft_log_line_reader_set_source). */
void weft_log_request_set_source(struct weft_log_request *request, const struct weft_log_source *source);

/* WEFT_NOMEM: the request is as it was. out_line as of weft_log_line_read, without record_at. */
enum weft_status weft_log_request_add(struct weft_log_request *request, struct weft_slice line, uint64_t observed_ns,
                                      struct weft_log_line *out_line) WEFT_MUST_CHECK;

/* A record that is none of a line: returns where its LogRecord of that size goes, which the caller writes at once; of
 * the source resource and scope count. NULL: no memory, and the request is as it was. */
uint8_t *weft_log_request_add_record(struct weft_log_request *request, size_t size) WEFT_MUST_CHECK;

size_t weft_log_request_count(const struct weft_log_request *request);

/* Bytes that the request holds now; it becomes a little larger when it is finished. */
size_t weft_log_request_size_bytes(const struct weft_log_request *request);

/* Appends the request to out, which grows as needed; there is nothing left to check in it. The request stays as it is.
 * WEFT_NOMEM: nothing is appended. */
enum weft_status weft_log_request_finish(const struct weft_log_request *request, struct weft_payload *out,
                                         struct weft_otlp_counts *out_counts) WEFT_MUST_CHECK;
