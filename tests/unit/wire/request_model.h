#pragma once

#include "wire/wire_test.h"

/* A request as protobuf-c reads it, less some of its records: the slow model of what leaves a table or a batch. */

/* The model: removes what keep does not name, then what is empty; with free. */
UNUSED static void model_retain(any_request *request, const bool *keep)
{
    size_t record = 0;
    size_t resources = 0;
    for (size_t i = 0; i < request->n_resource_spans; i++) {
        any_resource *resource = request->resource_spans[i];
        size_t scopes = 0;
        for (size_t j = 0; j < resource->n_scope_spans; j++) {
            any_scope *scope = resource->scope_spans[j];
            size_t spans = 0;
            for (size_t k = 0; k < scope->n_spans; k++) {
                if (keep == NULL || keep[record]) {
                    scope->spans[spans++] = scope->spans[k];
                } else {
                    protobuf_c_message_free_unpacked(&scope->spans[k]->base, NULL);
                }
                record++;
            }
            scope->n_spans = spans;
            if (spans > 0) {
                resource->scope_spans[scopes++] = scope;
            } else {
                protobuf_c_message_free_unpacked(&scope->base, NULL);
            }
        }
        resource->n_scope_spans = scopes;
        if (scopes > 0) {
            request->resource_spans[resources++] = resource;
        } else {
            protobuf_c_message_free_unpacked(&resource->base, NULL);
        }
    }
    request->n_resource_spans = resources;
}

/* As protobuf-c understands both, what was written is the request with only the records that keep names. */
UNUSED static void assert_model_equal(enum weft_signal signal, struct weft_slice request, const bool *keep,
                                      struct weft_slice written)
{
    any_request *model = oracle_read(signal, request);
    any_request *result = oracle_read(signal, written);
    ck_assert(model != NULL && result != NULL);
    model_retain(model, keep);
    if (model->n_resource_spans > 0) {
        struct weft_slice left = oracle_write(model);
        struct weft_slice right = oracle_write(result);
        ck_assert_slice_eq(left, right);
        slice_free(left);
        slice_free(right);
    } else {
        ck_assert_uint_eq(written.length, 0);
    }
    oracle_free(model);
    oracle_free(result);
}
