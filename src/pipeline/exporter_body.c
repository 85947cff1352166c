/* From a batch to the bytes of a request (exporter_body.h): forward, or gather, translate, deflate. */
#include "pipeline/exporter_body.h"

#include "base/assert.h"
#include "pipeline/exporter.h"
#include "wire/json_writer.h"

/* The compressed message as it came in, if it may leave as it is. */
static const struct weft_part *forwardable(const struct weft_batch *batch, const struct weft_body_form *form)
{
    weft_assert(batch->part_count > 0);
    const struct weft_part *part = &batch->parts[0];
    bool is_same = batch->part_count == 1 && !part->is_open && part->wire != NULL &&
                   form->format == WEFT_BODY_PROTOBUF && form->encoding != WEFT_ENCODING_IDENTITY &&
                   part->wire_encoding == form->encoding;
    return is_same ? part : NULL;
}

static enum weft_status gather(struct weft_exporter_body *body, const struct weft_batch *batch,
                               struct weft_error *error)
{
    body->framing = weft_arena_try_new_charged(batch->budget, 0);
    if (body->framing == NULL || weft_batch_emit(batch, body->framing, &body->slices) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory to gather a request");
    }
    return WEFT_OK;
}

static enum weft_status translate(struct weft_exporter_body *body, const struct weft_batch *batch,
                                  struct weft_host *host, struct weft_error *error)
{
    struct weft_buffer scratch;
    struct weft_slice request;
    weft_buffer_init(&scratch, 0);
    enum weft_status status = weft_exporter_flatten(batch, &scratch, &request, error);
    if (status == WEFT_OK) {
        status = weft_json_write_request(batch->signal, request, &body->json, error);
    }
    weft_buffer_fini(&scratch);
    if (status == WEFT_OK && weft_slices_add(&body->slices, weft_buffer_slice(&body->json)) != WEFT_OK) {
        status = weft_fail(error, WEFT_NOMEM, "no memory to gather a request");
    }
    if (status == WEFT_OK) {
        body->charged_bytes = body->json.length;
        weft_budget_charge(host->budget, body->charged_bytes);
    }
    return status;
}

static void drop_json(struct weft_exporter_body *body, struct weft_host *host)
{
    weft_buffer_fini(&body->json);
    weft_buffer_init(&body->json, 0);
    weft_budget_release(host->budget, body->charged_bytes);
    body->charged_bytes = 0;
}

static enum weft_status deflate(struct weft_exporter_body *body, const struct weft_body_form *form,
                                struct weft_host *host, struct weft_error *error)
{
    enum weft_status status = weft_deflate(host->codec, form->encoding, form->level, body->slices.items,
                                           body->slices.count, host->pool, &body->deflated, error);
    if (status != WEFT_OK) {
        return status;
    }
    weft_slices_clear(&body->slices);
    drop_json(body, host);
    if (weft_slices_add(&body->slices, weft_payload_slice(body->deflated)) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory to gather a request");
    }
    return WEFT_OK;
}

enum weft_status weft_exporter_body_make(struct weft_exporter_body *body, const struct weft_batch *batch,
                                         const struct weft_body_form *form, struct weft_host *host,
                                         struct weft_error *error)
{
    weft_check_magic(batch, batch);
    *body = (struct weft_exporter_body){ 0 };
    weft_slices_init(&body->slices);
    weft_buffer_init(&body->json, 0);
    enum weft_status status;
    const struct weft_part *forwarded = forwardable(batch, form);
    if (forwarded != NULL) {
        status = weft_slices_add(&body->slices, weft_payload_slice(forwarded->wire));
        status = status == WEFT_OK ? status : weft_fail(error, status, "no memory to gather a request");
    } else {
        status = form->format == WEFT_BODY_JSON ? translate(body, batch, host, error) : gather(body, batch, error);
        if (status == WEFT_OK && form->encoding != WEFT_ENCODING_IDENTITY) {
            status = deflate(body, form, host, error);
        }
    }
    if (status != WEFT_OK) {
        weft_exporter_body_fini(body, host);
    }
    return status;
}

void weft_exporter_body_fini(struct weft_exporter_body *body, struct weft_host *host)
{
    weft_slices_fini(&body->slices);
    weft_arena_unref(&body->framing);
    drop_json(body, host);
    weft_payload_unref(&body->deflated);
}

static const struct compression {
    const char *name;
    unsigned families; /* OR of weft_compression_family */
    enum weft_encoding encoding;
} compressions[] = {
    { "", WEFT_COMPRESSION_GRPC | WEFT_COMPRESSION_HTTP, WEFT_ENCODING_IDENTITY },
    { "none", WEFT_COMPRESSION_GRPC | WEFT_COMPRESSION_HTTP, WEFT_ENCODING_IDENTITY },
    { "gzip", WEFT_COMPRESSION_GRPC | WEFT_COMPRESSION_HTTP, WEFT_ENCODING_GZIP },
    { "zstd", WEFT_COMPRESSION_GRPC | WEFT_COMPRESSION_HTTP, WEFT_ENCODING_ZSTD },
    { "deflate", WEFT_COMPRESSION_HTTP, WEFT_ENCODING_DEFLATE },
    { "zlib", WEFT_COMPRESSION_HTTP, WEFT_ENCODING_DEFLATE },
    { "snappy", WEFT_COMPRESSION_GRPC, WEFT_ENCODING_SNAPPY_FRAMED },
    { "snappy", WEFT_COMPRESSION_HTTP, WEFT_ENCODING_SNAPPY },
    { "x-snappy-framed", WEFT_COMPRESSION_HTTP, WEFT_ENCODING_SNAPPY_FRAMED },
    { "lz4", WEFT_COMPRESSION_HTTP, WEFT_ENCODING_LZ4 },
};

enum weft_status weft_exporter_parse_compression(const char *name, enum weft_compression_family family,
                                                 enum weft_encoding *out_encoding, struct weft_error *error)
{
    const struct compression *found = NULL;
    for (size_t i = 0; i < WEFT_COUNT_OF(compressions) && found == NULL; i++) {
        bool is_it = (compressions[i].families & family) != 0 && strcmp(name, compressions[i].name) == 0;
        found = is_it ? &compressions[i] : NULL;
    }
    if (found == NULL) {
        return weft_fail(error, WEFT_INVALID,
                         "compression: \"%s\" is not a compression; use gzip, zstd, snappy%s or none", name,
                         family == WEFT_COMPRESSION_HTTP ? ", deflate, zlib, x-snappy-framed, lz4" : "");
    }
    *out_encoding = found->encoding;
    return WEFT_OK;
}
