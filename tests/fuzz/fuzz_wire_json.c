/* Fuzz target: JSON from a peer. The first byte chooses a signal; the rest is text. The scanner takes what
 * jansson takes, but for halves of surrogate pairs and escaped NULs in keys (taken here), depth (limited here)
 * and numbers beyond any double (no matter to a scanner). What the reader takes is JSON, passes the check, and
 * becomes the same text again by way of the writer. */
#include <jansson.h>

#include "base/assert.h"
#include "base/payload.h"
#include "wire/json_reader.h"
#include "wire/json_scan.h"
#include "wire/json_writer.h"
#include "wire/otlp_check.h"
#include "wire/otlp_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool scan(struct weft_slice text)
{
    struct weft_json_fault fault = { NULL, NULL };
    const uint8_t *end = text.bytes + text.length;
    const uint8_t *at = weft_json_skip_value(text.bytes, end, &fault);
    weft_assert(at != NULL || (fault.reason != NULL && fault.at >= text.bytes && fault.at <= end));
    return at != NULL && weft_json_skip_space(at, end) == end;
}

/* More brackets than the scanner opens: it may refuse what jansson takes. */
static bool may_be_deep(struct weft_slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += text.bytes[i] == '[' || text.bytes[i] == '{';
    }
    return count > WEFT_JSON_MAX_SKIP_DEPTH;
}

/* An escape that could be half a pair: jansson refuses those. */
static bool may_have_half_pair(struct weft_slice text)
{
    for (size_t i = 0; i + 3 < text.length; i++) {
        const uint8_t *at = text.bytes + i;
        if (at[0] == '\\' && at[1] == 'u' && (at[2] | 32) == 'd' && at[3] >= '8') {
            return true;
        }
    }
    return false;
}

/* jansson loses a NUL that follows a number, so texts with one say nothing. */
static void compare_with_jansson(struct weft_slice text)
{
    if (memchr(text.bytes, 0, text.length) != NULL) {
        return;
    }
    json_error_t error;
    json_t *json = json_loadb((const char *)text.bytes, text.length,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    bool is_json = scan(text);
    if (json != NULL) {
        weft_assert(is_json || may_be_deep(text));
        json_decref(json);
    } else if (is_json) {
        enum json_error_code code = json_error_code(&error);
        weft_assert(code == json_error_numeric_overflow || code == json_error_null_byte_in_key ||
                    may_have_half_pair(text));
    }
}

static struct weft_payload *read_all(struct weft_payload_pool *pool, const struct weft_json_schema *schema,
                                     struct weft_slice text, struct weft_otlp_counts *out_counts)
{
    struct weft_payload *payload = weft_payload_try_new(pool, 0);
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_json_read_message(schema, text, NULL, payload, out_counts, &error) != WEFT_OK) {
        weft_assert(error.status == WEFT_INVALID && payload->length == 0);
        weft_payload_unref(&payload);
    }
    return payload;
}

/* The text that the writer makes of a message becomes a message that the writer makes the same text of. */
static void write_and_read_again(struct weft_payload_pool *pool, const struct weft_json_schema *schema,
                                 enum weft_signal signal, struct weft_slice message)
{
    const ProtobufCMessageDescriptor *descriptor = weft_otlp_request_descriptor(signal);
    struct weft_buffer first;
    struct weft_buffer second;
    struct weft_otlp_counts counts;
    weft_buffer_init(&first, 0);
    weft_buffer_init(&second, 0);
    weft_assert(weft_json_write_message(descriptor, message, &first, NULL) == WEFT_OK);
    struct weft_payload *again = read_all(pool, schema, weft_buffer_slice(&first), &counts);
    weft_assert(again != NULL);
    weft_assert(weft_json_write_message(descriptor, weft_payload_slice(again), &second, NULL) == WEFT_OK);
    weft_assert(weft_slice_equal(weft_buffer_slice(&first), weft_buffer_slice(&second)));
    weft_payload_unref(&again);
    weft_buffer_fini(&first);
    weft_buffer_fini(&second);
}

/* As a receiver reads it, which takes strings that are no UTF-8: all that is taken otherwise, and what comes out passes
 * the check, with strings that are none only if the reader says so. */
static void read_leniently(struct weft_payload_pool *pool, const struct weft_json_schema *schema,
                           enum weft_signal signal, struct weft_slice text, bool is_taken_strictly)
{
    const struct weft_json_limits limits = { .takes_bad_text = true };
    struct weft_otlp_counts counts;
    struct weft_otlp_counts checked;
    struct weft_payload *payload = weft_payload_try_new(pool, 0);
    weft_assert(payload != NULL);
    enum weft_status status = weft_json_read_message(schema, text, &limits, payload, &counts, NULL);
    weft_assert(status == WEFT_OK || !is_taken_strictly);
    if (status == WEFT_OK) {
        weft_assert(weft_otlp_check(signal, weft_payload_slice(payload), NULL, &checked, NULL) == WEFT_OK);
        weft_assert(counts.bad_texts > 0 || checked.bad_texts == 0);
        counts.bad_texts = checked.bad_texts;
        weft_assert(weft_otlp_counts_equal(&counts, &checked));
    }
    weft_payload_unref(&payload);
}

static void read_as_request(enum weft_signal signal, struct weft_slice text)
{
    static struct weft_json_schema *schemas[WEFT_SIGNAL_COUNT];
    static struct weft_budget budget;
    static struct weft_payload_pool *pool;
    if (pool == NULL) {
        pool = weft_payload_pool_new(&budget, 1 << 20);
    }
    if (schemas[signal] == NULL) {
        schemas[signal] = weft_json_schema_new(weft_otlp_request_descriptor(signal), WEFT_JSON_CAMEL_NAMES);
    }
    struct weft_otlp_counts counts;
    struct weft_payload *payload = read_all(pool, schemas[signal], text, &counts);
    bool payload_was_read = payload != NULL;
    if (payload != NULL) {
        weft_assert(scan(text) || may_be_deep(text));
        struct weft_otlp_counts checked;
        weft_assert(weft_otlp_check(signal, weft_payload_slice(payload), NULL, &checked, NULL) == WEFT_OK);
        weft_assert(weft_otlp_counts_equal(&counts, &checked));
        write_and_read_again(pool, schemas[signal], signal, weft_payload_slice(payload));
        weft_payload_unref(&payload);
    }
    read_leniently(pool, schemas[signal], signal, text, payload_was_read);
    weft_assert(weft_budget_reserved(&budget) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct weft_slice text = { data + 1, size - 1 };
    compare_with_jansson(text);
    read_as_request((enum weft_signal)(data[0] % WEFT_SIGNAL_COUNT), text);
    return 0;
}
