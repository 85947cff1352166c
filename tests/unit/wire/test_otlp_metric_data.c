/* Where the data points of a Metric lie is what the schema says. */
#include "wire/wire_test.h"

#include "wire/otlp_metric_data.h"

static const ProtobufCFieldDescriptor *attributes_of(const ProtobufCMessageDescriptor *data)
{
    const ProtobufCFieldDescriptor *points =
        protobuf_c_message_descriptor_get_field(data, WEFT_OTLP_METRIC_POINTS_FIELD);
    ck_assert_str_eq(points->name, "data_points");
    return protobuf_c_message_descriptor_get_field_by_name(points->descriptor, "attributes");
}

START_TEST(test_the_fields_of_metrics_are_the_schemas)
{
    enum { MORE_THAN_THERE_ARE = 40 };
    const ProtobufCMessageDescriptor *metric = &opentelemetry__proto__metrics__v1__metric__descriptor;
    size_t count = 0;
    for (uint32_t number = 0; number < MORE_THAN_THERE_ARE; number++) {
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(metric, number);
        bool is_data = field != NULL && (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
        struct weft_wire_field read = { .number = number, .type = WEFT_WIRE_BYTES };
        ck_assert_msg(weft_otlp_is_metric_data(&read) == is_data, "field %u", number);
        ck_assert_uint_eq(weft_otlp_metric_attributes_field(number),
                          is_data ? attributes_of(field->descriptor)->id : 0);
        read.type = WEFT_WIRE_VARINT;
        ck_assert(!weft_otlp_is_metric_data(&read));
        count += is_data;
    }
    ck_assert_uint_eq(count, 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { test_the_fields_of_metrics_are_the_schemas };
    return run_tests("otlp_metric_data", tests, WEFT_COUNT_OF(tests));
}
