/* Any bytes as the text that converters read: each gives a value that OTLP can hold, or says why not, and both again
 * the same way. The first byte picks the converter. */
#include "base/assert.h"
#include "ottl/ottl.h"
#include "wire/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const converters[] = {
    "ParseXML(body)",
    "ParseSimplifiedXML(body)",
    "URL(body)",
    "ParseJSON(body)",
    "ParseCSV(body, \"a,b\", mode=\"lazyQuotes\")",
    "ParseCSV(body, body)",
    "ParseKeyValue(body)",
    "Base64Decode(body)",
    "Decode(body, \"utf-16\")",
    "Format(\"%q %x\", [body, body])",
    "ToSnakeCase(body)",
    "CommunityID(body, 1, body, 2)",
    "ExtractGrokPatterns(body, \"%{WORD:a} %{NUMBER:b:float} %{BOOL:c:bool}%{GREEDYDATA:d}\", true)",
    "ExtractGrokPatterns(\"GET 17 x\", body)",
    "ParseCEF(Concat([\"CEF:0|\", body], \"\"))",
    "ParseCLF(body, \"combined\")",
    "ParseELF(Concat([\"#Version: 1\\n\", body], \"\"))",
    "ParseLEEF(Concat([\"LEEF:2.0|\", body], \"\"))",
    "Time(body, \"%Y-%m-%dT%H:%M:%S%z\")",
};

static struct weft_ottl_program *programs[WEFT_COUNT_OF(converters)];

static void put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

static const struct weft_ottl_program *program_of(size_t index)
{
    const struct weft_ottl_options options = { .form = WEFT_OTTL_VALUE, .context = WEFT_OTTL_LOG };
    if (programs[index] == NULL) {
        weft_assert(weft_ottl_program_new(weft_slice_of_text(converters[index]), &options, &programs[index], NULL) ==
                    WEFT_OK);
    }
    return programs[index];
}

/* Appends what comes of it. */
static void convert(struct weft_ottl_run *run, const struct weft_ottl_program *program, struct weft_slice record,
                    struct weft_buffer *out)
{
    struct weft_ottl_value value = weft_ottl_nil();
    struct weft_error error = WEFT_ERROR_NONE;
    weft_ottl_run_clear(run);
    weft_ottl_record_set_resource(&run->record, WEFT_LOGS, WEFT_SLICE_EMPTY);
    weft_ottl_record_set_scope(&run->record, WEFT_SLICE_EMPTY);
    weft_ottl_record_set_record(&run->record, record);
    enum weft_status status = weft_ottl_evaluate(run, program->value, &value);
    if (status != WEFT_OK) {
        weft_assert(status != WEFT_INVALID || run->error.text[0] != '\0');
        weft_buffer_append_text(out, run->error.text);
    } else if (value.kind != WEFT_OTTL_TIME) {
        weft_assert(weft_ottl_put_any_value(out, &value, &error) == WEFT_OK || error.text[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { STRING_FIELD = 1, BODY_FIELD = 5 };
    struct weft_ottl_run run;
    struct weft_buffer body = { 0 }, record = { 0 }, first = { 0 }, second = { 0 };
    if (size == 0) {
        return 0;
    }
    const struct weft_ottl_program *program = program_of(data[0] % WEFT_COUNT_OF(converters));
    put_field(&body, STRING_FIELD, weft_slice_of(data + 1, size - 1));
    put_field(&record, BODY_FIELD, weft_buffer_slice(&body));
    weft_assert(weft_ottl_run_init(&run, NULL) == WEFT_OK);
    convert(&run, program, weft_buffer_slice(&record), &first);
    convert(&run, program, weft_buffer_slice(&record), &second);
    weft_assert(weft_slice_equal(weft_buffer_slice(&first), weft_buffer_slice(&second)));
    weft_ottl_run_fini(&run);
    weft_buffer_fini(&body);
    weft_buffer_fini(&record);
    weft_buffer_fini(&first);
    weft_buffer_fini(&second);
    return 0;
}
