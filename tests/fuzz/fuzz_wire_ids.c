/* Fuzz target: ids as producers might write them. The first byte chooses the kind of key. An id that comes out is not
 * all zeros, is the same when it is read again from its own hex, and a word gives the same id each time. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "wire/ids.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_zero(const uint8_t *bytes, size_t length)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < length; i++) {
        seen |= bytes[i];
    }
    return seen == 0;
}

static struct weft_slice hex_of(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++) {
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    return weft_slice_of(text, 2 * length);
}

static void check_trace_id(const struct weft_trace_id *id)
{
    char hex[2 * WEFT_TRACE_ID_BYTES + 1];
    struct weft_trace_id again;
    struct weft_slice text = hex_of(id->bytes, sizeof id->bytes, hex);
    weft_assert(!is_zero(id->bytes, sizeof id->bytes) && id->kind != WEFT_ID_NONE && id->kind < WEFT_ID_KIND_COUNT);
    weft_assert(weft_trace_id_of_text(text, WEFT_ID_GENERIC, &again) == WEFT_ID_PROBLEM_OK);
    weft_assert(again.kind == WEFT_ID_FULL && memcmp(again.bytes, id->bytes, sizeof id->bytes) == 0);
}

static void check_span_id(const struct weft_span_id *id)
{
    char hex[2 * WEFT_SPAN_ID_BYTES + 1];
    struct weft_span_id again;
    struct weft_slice text = hex_of(id->bytes, sizeof id->bytes, hex);
    weft_assert(!is_zero(id->bytes, sizeof id->bytes) && id->kind != WEFT_ID_OPAQUE && id->kind != WEFT_ID_NONE);
    weft_assert(weft_span_id_of_text(text, WEFT_ID_GENERIC, &again) == WEFT_ID_PROBLEM_OK);
    weft_assert(memcmp(again.bytes, id->bytes, sizeof id->bytes) == 0);
}

static void read_headers(struct weft_slice text)
{
    for (int header = WEFT_ID_TRACEPARENT; header <= WEFT_ID_XRAY_HEADER; header++) {
        struct weft_trace_context context;
        if (weft_ids_of_header((enum weft_id_header)header, text, &context) != WEFT_ID_PROBLEM_OK) {
            continue;
        }
        check_trace_id(&context.trace_id);
        weft_assert(context.trace_id.kind != WEFT_ID_OPAQUE);
        if (context.span_id.kind != WEFT_ID_NONE) {
            check_span_id(&context.span_id);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum weft_id_dialect dialect = (enum weft_id_dialect)(data[0] % 3);
    uint8_t *copy = malloc(size); /* its own block, so that a read past the end is seen */
    weft_assert(copy != NULL);
    memcpy(copy, data + 1, size - 1);
    struct weft_slice text = { copy, size - 1 };
    struct weft_trace_id trace_id;
    struct weft_trace_id again;
    struct weft_span_id span_id;
    enum weft_id_problem problem = weft_trace_id_of_text(text, dialect, &trace_id);
    weft_assert(problem < WEFT_ID_PROBLEM_COUNT && problem != WEFT_ID_PROBLEM_OPAQUE_SPAN);
    if (problem == WEFT_ID_PROBLEM_OK) {
        check_trace_id(&trace_id);
        weft_assert(weft_trace_id_of_text(text, dialect, &again) == WEFT_ID_PROBLEM_OK);
        weft_assert(memcmp(again.bytes, trace_id.bytes, sizeof again.bytes) == 0);
    }
    if (weft_span_id_of_text(text, dialect, &span_id) == WEFT_ID_PROBLEM_OK) {
        check_span_id(&span_id);
    }
    if (weft_trace_id_of_number(text, dialect, &trace_id) == WEFT_ID_PROBLEM_OK) {
        weft_assert(dialect == WEFT_ID_DATADOG && trace_id.kind == WEFT_ID_LOW64);
    }
    read_headers(text);
    free(copy);
    return 0;
}
