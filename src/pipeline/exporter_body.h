#pragma once

#include "pipeline/batch.h"
#include "pipeline/host.h"

/* What an exporter with a backend sends for a batch, and how its config says it: the same for every protocol. */
enum weft_body_format { WEFT_BODY_PROTOBUF, WEFT_BODY_JSON };

struct weft_body_form {
    enum weft_signal signal;
    enum weft_body_format format;
    enum weft_encoding encoding;
    int level; /* of compression; 0 = the encoding's default */
};

/* slices are what to send; they borrow the batch and what else is here, until _fini. */
struct weft_exporter_body {
    struct weft_slices slices;
    struct weft_arena *framing; /* where re-framed batches keep their headers; NULL for whole ones */
    struct weft_buffer json;
    size_t charged_bytes;          /* for json, to the budget */
    struct weft_payload *deflated; /* what is sent, if it was compressed here */
};

/* Gathers the batch, writes it as JSON if that is the form, and compresses it if asked. A request that was neither
 * edited nor merged and that came in with the encoding it leaves in is sent on as the very bytes that came in. On
 * failure the body is empty: WEFT_NOMEM, or WEFT_INVALID for what cannot be written as JSON. */
enum weft_status weft_exporter_body_make(struct weft_exporter_body *body, const struct weft_batch *batch,
                                         const struct weft_body_form *form, struct weft_host *host,
                                         struct weft_error *error) WEFT_MUST_CHECK;

/* Harmless when it is empty already. */
void weft_exporter_body_fini(struct weft_exporter_body *body, struct weft_host *host);

/* Whose words a `compression` key knows: gRPC's message encodings or HTTP's content codings. */
enum weft_compression_family { WEFT_COMPRESSION_GRPC = 1, WEFT_COMPRESSION_HTTP = 2 };

/* "" is "none". WEFT_UNSUPPORTED for what the Collector can and weft cannot, WEFT_INVALID for the rest. */
enum weft_status weft_exporter_parse_compression(const char *name, enum weft_compression_family family,
                                                 enum weft_encoding *out_encoding,
                                                 struct weft_error *error) WEFT_MUST_CHECK;
