#pragma once

/* Requests before and after a redaction with scope all, as protobuf-c reads them: each text is what the rules make of
 * it alone, and everything else is as it was. */
#include "redaction_test.h"

#include "processors/redaction_rules.h"

static struct weft_redaction_matcher *model; /* knows how texts are masked, and nothing of the wire */

static void compare_messages(const ProtobufCMessage *came, const ProtobufCMessage *went);

static void compare_texts(struct weft_slice came, struct weft_slice went)
{
    struct weft_slice masked;
    struct weft_slice expected = weft_redaction_mask(model, came, &masked) ? masked : came;
    ck_assert_msg(weft_slice_equal(went, expected), "%.*s\n%.*s", WEFT_SLICE_PRINT(went), WEFT_SLICE_PRINT(expected));
}

static void compare_values(const ProtobufCFieldDescriptor *field, const void *came, const void *went)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const ProtobufCMessage *const *left = came;
        const ProtobufCMessage *const *right = went;
        ck_assert((*left == NULL) == (*right == NULL));
        if (*left != NULL) {
            compare_messages(*left, *right);
        }
    } else if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *const *left = came;
        char *const *right = went;
        compare_texts(weft_slice_of_text(*left), weft_slice_of_text(*right));
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        const ProtobufCBinaryData *left = came;
        const ProtobufCBinaryData *right = went;
        ck_assert(weft_slice_equal(weft_slice_of(left->data, left->len), weft_slice_of(right->data, right->len)));
    } else {
        bool is_wide = field->type == PROTOBUF_C_TYPE_FIXED64 || field->type == PROTOBUF_C_TYPE_DOUBLE ||
                       field->type == PROTOBUF_C_TYPE_INT64 || field->type == PROTOBUF_C_TYPE_UINT64 ||
                       field->type == PROTOBUF_C_TYPE_SFIXED64 || field->type == PROTOBUF_C_TYPE_SINT64;
        ck_assert(memcmp(came, went, is_wide ? sizeof(uint64_t) : sizeof(uint32_t)) == 0);
    }
}

static void compare_messages(const ProtobufCMessage *came, const ProtobufCMessage *went)
{
    for (unsigned i = 0; i < came->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &came->descriptor->fields[i];
        const uint8_t *left = (const uint8_t *)came;
        const uint8_t *right = (const uint8_t *)went;
        bool is_oneof = (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE) {
            const size_t *count = (const void *)(left + field->quantifier_offset);
            const uint8_t *const *items = (const void *)(left + field->offset);
            const uint8_t *const *others = (const void *)(right + field->offset);
            ck_assert(memcmp(count, right + field->quantifier_offset, sizeof *count) == 0);
            for (size_t n = 0; n < *count; n++) {
                compare_values(field, *items + n * sizeof(void *), *others + n * sizeof(void *));
            }
            continue;
        }
        if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            continue; /* of numbers and of names of keys: no place here has any */
        }
        if (is_oneof || field->label == PROTOBUF_C_LABEL_OPTIONAL) {
            ck_assert(memcmp(left + field->quantifier_offset, right + field->quantifier_offset, sizeof(uint32_t)) == 0);
        }
        const uint32_t *chosen = (const void *)(left + field->quantifier_offset);
        if (!is_oneof || *chosen == field->id) {
            compare_values(field, left + field->offset, right + field->offset);
        }
    }
}

static void compare_requests(enum weft_signal signal, struct weft_slice came, struct weft_slice went)
{
    static const ProtobufCMessageDescriptor *const roots[] = {
        [WEFT_TRACES] = &opentelemetry__proto__collector__trace__v1__export_trace_service_request__descriptor,
        [WEFT_METRICS] = &opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__descriptor,
        [WEFT_LOGS] = &opentelemetry__proto__collector__logs__v1__export_logs_service_request__descriptor,
    };
    ProtobufCMessage *left = protobuf_c_message_unpack(roots[signal], NULL, came.length, came.bytes);
    ProtobufCMessage *right = protobuf_c_message_unpack(roots[signal], NULL, went.length, went.bytes);
    ck_assert(left != NULL && right != NULL);
    compare_messages(left, right);
    protobuf_c_message_free_unpacked(left, NULL);
    protobuf_c_message_free_unpacked(right, NULL);
}
