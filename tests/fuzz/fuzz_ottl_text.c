/* OTTL from any bytes, as a condition, a statement and a value in every context: refused with a place, or evaluated on
 * a record, twice with the same answer. The first byte picks the context. */
#include "base/assert.h"
#include "ottl/ottl.h"
#include "wire/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A record of each signal with what holds it and an item, made once. */
struct subject {
    struct weft_buffer resource_x, scope_x, record, item;
};

static void put_bytes(struct weft_buffer *out, uint32_t number, const void *bytes, size_t length)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, length) - header));
    weft_buffer_append(out, bytes, length);
}

static void put_number(struct weft_buffer *out, uint32_t number, uint8_t value)
{
    const uint8_t field[] = { (uint8_t)(number << 3), value };
    weft_buffer_append(out, field, sizeof field);
}

static void put_attributes(struct weft_buffer *out, uint32_t number)
{
    struct weft_ottl_value items[] = { weft_ottl_int(3), weft_ottl_string(WEFT_SLICE_LITERAL("two")), weft_ottl_nil() };
    struct weft_ottl_list list = { .items = items, .count = WEFT_COUNT_OF(items) };
    struct weft_ottl_member member = { WEFT_SLICE_LITERAL("k"), weft_ottl_open_list(&list) };
    struct weft_ottl_map map = { .members = &member, .count = 1 };
    const struct weft_ottl_member members[] = {
        { WEFT_SLICE_LITERAL("k"), weft_ottl_int(200) },
        { WEFT_SLICE_LITERAL("s"), weft_ottl_string(WEFT_SLICE_LITERAL("text")) },
        { WEFT_SLICE_LITERAL("d"), weft_ottl_double(2.5) },
        { WEFT_SLICE_LITERAL("t"), weft_ottl_bool(true) },
        { WEFT_SLICE_LITERAL("n"), weft_ottl_nil() },
        { WEFT_SLICE_LITERAL("list"), member.value },
        { WEFT_SLICE_LITERAL("map"), weft_ottl_open_map(&map) },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(members); i++) {
        weft_assert(weft_ottl_put_key_value(out, number, members[i].key, &members[i].value, NULL) == WEFT_OK);
    }
}

/* The contents of *message as a field of out. */
static void put_message(struct weft_buffer *out, uint32_t number, struct weft_buffer *message)
{
    put_bytes(out, number, message->bytes, message->length);
    weft_buffer_fini(message);
}

static void make_span(struct subject *subject)
{
    struct weft_buffer status = { 0 };
    put_bytes(&subject->record, 1, "0123456789abcdef", 16);
    put_bytes(&subject->record, 3, "a=1,b=2", 7);
    put_bytes(&subject->record, 5, "name", 4);
    put_number(&subject->record, 6, 2);
    put_attributes(&subject->record, 9);
    put_bytes(&subject->item, 2, "event", 5);
    put_attributes(&subject->item, 3);
    put_bytes(&subject->record, 11, subject->item.bytes, subject->item.length);
    put_number(&status, 3, 2);
    put_message(&subject->record, 15, &status);
}

static void make_log(struct subject *subject)
{
    struct weft_buffer body = { 0 };
    struct weft_ottl_value text = weft_ottl_string(WEFT_SLICE_LITERAL("body"));
    weft_assert(weft_ottl_put_any_value(&body, &text, NULL) == WEFT_OK);
    put_number(&subject->record, 2, 9);
    put_bytes(&subject->record, 3, "INFO", 4);
    put_message(&subject->record, 5, &body);
    put_attributes(&subject->record, 6);
}

static void make_metric(struct subject *subject)
{
    struct weft_buffer data = { 0 };
    const uint8_t value[] = { 0x31, 7, 0, 0, 0, 0, 0, 0, 0 };
    weft_buffer_append(&subject->item, value, sizeof value);
    put_attributes(&subject->item, 7);
    put_bytes(&data, 1, subject->item.bytes, subject->item.length);
    put_bytes(&subject->record, 1, "metric", 6);
    put_message(&subject->record, 5, &data);
}

static void make_subject(struct subject *subject, enum weft_signal signal)
{
    struct weft_buffer resource = { 0 }, scope = { 0 };
    put_attributes(&resource, 1);
    put_message(&subject->resource_x, 1, &resource);
    put_bytes(&scope, 1, "lib", 3);
    put_attributes(&scope, 3);
    put_message(&subject->scope_x, 1, &scope);
    signal == WEFT_TRACES ? make_span(subject) : signal == WEFT_LOGS ? make_log(subject) : make_metric(subject);
}

struct answer {
    enum weft_status status;
    enum weft_ottl_kind kind;
    bool holds;
};

static struct answer ask(const struct weft_ottl_program *program, struct weft_ottl_run *run)
{
    struct answer answer = { .status = WEFT_OK };
    struct weft_ottl_value value = weft_ottl_nil();
    weft_ottl_run_clear(run);
    if (program->value != NULL) {
        answer.status = weft_ottl_evaluate(run, program->value, &value);
        answer.kind = value.kind;
    } else {
        answer.status = weft_ottl_program_holds(program, run, &answer.holds);
    }
    weft_assert(answer.status == WEFT_OK || run->error.text[0] != '\0' || answer.status == WEFT_NOMEM);
    return answer;
}

static void check(struct weft_slice text, const struct weft_ottl_options *options, struct weft_ottl_run *run)
{
    struct weft_ottl_program *program = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_ottl_program_new(text, options, &program, &error);
    weft_assert((status == WEFT_OK) == (program != NULL));
    weft_assert(status == WEFT_OK || error.text[0] != '\0');
    if (program != NULL) {
        struct answer first = ask(program, run), second = ask(program, run);
        weft_assert(first.status == second.status && (first.status != WEFT_OK || first.holds == second.holds));
        weft_assert(first.status != WEFT_OK || first.kind == second.kind);
    }
    weft_ottl_program_free(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum weft_signal signals[WEFT_OTTL_CONTEXT_COUNT] = {
        [WEFT_OTTL_LOG] = WEFT_LOGS,         [WEFT_OTTL_DATAPOINT] = WEFT_METRICS, [WEFT_OTTL_METRIC] = WEFT_METRICS,
        [WEFT_OTTL_SPANEVENT] = WEFT_TRACES, [WEFT_OTTL_SPAN] = WEFT_TRACES,       [WEFT_OTTL_SCOPE] = WEFT_TRACES,
        [WEFT_OTTL_RESOURCE] = WEFT_LOGS,
    };
    static struct weft_ottl_run run;
    static struct subject subjects[WEFT_SIGNAL_COUNT];
    static bool is_made;
    if (size == 0) {
        return 0;
    }
    if (!is_made) {
        weft_assert(weft_ottl_run_init(&run, NULL) == WEFT_OK);
        for (int signal = 0; signal < WEFT_SIGNAL_COUNT; signal++) {
            make_subject(&subjects[signal], (enum weft_signal)signal);
        }
        is_made = true;
    }
    struct weft_slice text = { data + 1, size - 1 };
    enum weft_ottl_context context = (enum weft_ottl_context)(data[0] % WEFT_OTTL_CONTEXT_COUNT);
    const struct subject *subject = &subjects[signals[context]];
    weft_ottl_record_set_resource(&run.record, signals[context], weft_buffer_slice(&subject->resource_x));
    weft_ottl_record_set_scope(&run.record, weft_buffer_slice(&subject->scope_x));
    weft_ottl_record_set_record(&run.record, weft_buffer_slice(&subject->record));
    weft_ottl_record_set_item(&run.record, weft_buffer_slice(&subject->item));
    for (int form = WEFT_OTTL_CONDITION; form <= WEFT_OTTL_VALUE; form++) {
        struct weft_ottl_options options = { .form = (enum weft_ottl_form_of_text)form,
                                             .context = context,
                                             .needs_prefix = data[0] >= 128 };
        bool is_inferred;
        enum weft_ottl_context inferred;
        struct weft_error error = WEFT_ERROR_NONE;
        check(text, &options, &run);
        (void)!weft_ottl_infer_context(&text, 1, options.form, signals[context], &is_inferred, &inferred, &error);
    }
    return 0;
}
