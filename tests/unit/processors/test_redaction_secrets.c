/* 1,000 random secrets in traces, metrics and logs: in values at all places that the processor acts on none is left;
 * what the documents list as places that it does not act on is held here, too, so that they stay true. */
#include "redaction_test.h"

enum { SECRETS = 1000, SECRET_BYTES = 28, MAX_DEPTH = 10 };

static char secrets[SECRETS][SECRET_BYTES + 1];
static size_t secret_count;
static uint64_t state;

static uint32_t next_random(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

static const char *new_secret(void)
{
    char *secret = secrets[secret_count++];
    memcpy(secret, "sk-", 4);
    for (size_t i = 3; i < SECRET_BYTES; i++) {
        secret[i] = "0123456789abcdef"[next_random(16)];
    }
    return secret;
}

/* "what sk-... says": a text around a secret. */
static void put_secret_text(struct weft_buffer *out, uint32_t field)
{
    static const char *const around[][2] = {
        { "", "" }, { "key=", "" }, { "a \xc3\xa9 \xff ", " b" }, { "\"", "\"\n" }
    };
    struct weft_buffer text = { 0 };
    size_t kind = next_random(WEFT_COUNT_OF(around));
    weft_buffer_append_text(&text, around[kind][0]);
    weft_buffer_append_text(&text, new_secret());
    weft_buffer_append_text(&text, around[kind][1]);
    put_message(out, field, &text);
}

static void put_value(struct weft_buffer *out, uint32_t field, uint32_t depth);

static void put_key_value(struct weft_buffer *out, uint32_t field, const char *key, uint32_t depth)
{
    struct weft_buffer key_value = { 0 };
    bool is_value_first = next_random(2) == 0;
    if (is_value_first) {
        put_value(&key_value, 2, depth);
    }
    put_field(&key_value, 1, weft_slice_of_text(key));
    if (!is_value_first) {
        put_value(&key_value, 2, depth);
    }
    put_message(out, field, &key_value);
}

/* An AnyValue with one secret at that depth, in maps and arrays. */
static void put_value(struct weft_buffer *out, uint32_t field, uint32_t depth)
{
    struct weft_buffer any = { 0 };
    struct weft_buffer list = { 0 };
    if (depth == 0) {
        put_secret_text(&any, 1);
    } else if (next_random(2) == 0) {
        put_key_value(&list, 1, "inner", depth - 1);
        put_message(&any, 6, &list);
    } else {
        put_value(&list, 1, depth - 1);
        put_message(&any, 5, &list);
    }
    put_message(out, field, &any);
}

static void put_secret(struct weft_buffer *out, uint32_t field)
{
    put_key_value(out, field, next_random(4) == 0 ? "same" : "other", next_random(MAX_DEPTH + 1));
}

static void put_span_with_secrets(struct weft_buffer *out)
{
    struct weft_buffer event = { 0 };
    put_span(out, "name");
    put_secret(out, 9);
    put_secret(&event, 3);
    put_message(out, 11, &event);
    put_secret(out, 9);
}

static void put_log_with_secrets(struct weft_buffer *out)
{
    put_secret(out, 6);
    put_value(out, 5, next_random(MAX_DEPTH + 1));
}

static void put_metric_with_secrets(struct weft_buffer *out)
{
    static const uint32_t kinds[][2] = { { 5, 7 }, { 7, 7 }, { 9, 9 }, { 10, 1 }, { 11, 7 } };
    size_t kind = next_random(WEFT_COUNT_OF(kinds));
    struct weft_buffer data = { 0 };
    for (int i = 0; i < 2; i++) {
        struct weft_buffer point = { 0 };
        put_secret(&point, kinds[kind][1]);
        put_message(&data, 1, &point);
    }
    put_message(out, kinds[kind][0], &data);
}

static void put_request_with_secrets(enum weft_signal signal, struct weft_buffer *out)
{
    struct weft_buffer resource = { 0 };
    struct weft_buffer resource_x = { 0 };
    struct weft_buffer scope = { 0 };
    struct weft_buffer scope_x = { 0 };
    struct weft_buffer record = { 0 };
    put_secret(&resource, 1);
    put_message(&resource_x, 1, &resource);
    put_secret(&scope, 3);
    put_message(&scope_x, 1, &scope);
    switch (signal) {
    case WEFT_TRACES:
        put_span_with_secrets(&record);
        break;
    case WEFT_METRICS:
        put_metric_with_secrets(&record);
        break;
    case WEFT_LOGS:
        put_log_with_secrets(&record);
        break;
    case WEFT_PROFILES: /* no redaction takes them */
        break;
    }
    put_message(&scope_x, 2, &record);
    put_message(&resource_x, 2, &scope_x);
    put_message(out, 1, &resource_x);
}

static void plant_and_seek(const char *yaml)
{
    enum { MOST_IN_A_REQUEST = 5 };
    secret_count = 0;
    for (size_t round = 0; secret_count + MOST_IN_A_REQUEST <= SECRETS; round++) {
        enum weft_signal signal = (enum weft_signal)(round % (WEFT_LOGS + 1)); /* profiles cannot be redacted */
        size_t first = secret_count;
        component_begin(&weft_processor_redaction, yaml, signal);
        struct weft_buffer request = { 0 };
        put_request_with_secrets(signal, &request);
        ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
        for (size_t i = first; i < secret_count; i++) {
            ck_assert(contains(weft_buffer_slice(&request), secrets[i]));
            ck_assert_msg(!contains(weft_buffer_slice(&sink.last), secrets[i]), "secret %zu of round %zu", i, round);
        }
        struct weft_otlp_counts counts;
        ck_assert(weft_otlp_check(signal, weft_buffer_slice(&sink.last), NULL, &counts, NULL) == WEFT_OK);
        weft_buffer_fini(&request);
        fixture_end();
    }
    ck_assert_uint_gt(secret_count, SECRETS - MOST_IN_A_REQUEST);
}

START_TEST(test_no_planted_secret_is_left)
{
    static const char *const configs[] = {
        "allow_all_keys: true\nblocked_values: ['sk-[0-9a-f]+']",
        "allow_all_keys: true\nblocked_values: ['^k', 'sk-[0-9a-f]{25}']\nsummary: debug",
        "allow_all_keys: true\nblocked_values: ['[0-9]+', 'sk-[0-9a-f]+', '[a-f]']\nredact_all_types: true",
        "allowed_keys: [same]\nblocked_values: ['(?i)SK-[0-9A-F]{25}']\nsummary: info",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(configs); i++) {
        plant_and_seek(configs[i]);
    }
}
END_TEST

#define SECRET          "sk-00112233445566778899aabb0"
#define METRIC(members) "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{" members "}]}]}]}"

/* Where the processor acts with scope `all` only: docs/redaction.md lists them. */
static const char *const places[] = {
    SPAN(TEXT(SECRET, "x")),
    SPAN(ATTRIBUTE("a", MAP(TEXT(SECRET, "x")))),
    SPAN(ATTRIBUTE("a", "{'bytesValue':'c2stMDAxMTIy'}")),
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'name':'" SECRET "'}]}]}]}",
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'traceState':'a=" SECRET "'}]}]}]}",
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'status':{'message':'" SECRET "'}}]}]}]}",
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'events':[{'name':'" SECRET "'}]}]}]}]}",
    "{'resourceSpans':[{'scopeSpans':[{'spans':[{'links':[{'attributes':[" TEXT("a", SECRET) "]}]}]}]}]}",
    "{'resourceSpans':[{'scopeSpans':[{'scope':{'name':'" SECRET "','version':'" SECRET "'},'schemaUrl':'" SECRET
    "','spans':[{'name':'a'}]}]}]}",
    "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{'severityText':'" SECRET "','eventName':'" SECRET "'}]}]}]}",
    "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{'name':'" SECRET "','description':'" SECRET "','unit':'" SECRET
    "','gauge':{'dataPoints':[{'exemplars':[{'filteredAttributes':[" TEXT("a", SECRET) "]}]}]}}]}]}]}",
    METRIC("'histogram':{'dataPoints':[{'exemplars':[{'filteredAttributes':[" TEXT("a", SECRET) "]}]}]}"),
    METRIC("'exponentialHistogram':{'dataPoints':[{'exemplars':[{'filteredAttributes':[" TEXT("a", SECRET) "]}]}]}"),
    METRIC("'metadata':[" TEXT("a", SECRET) "]"),
    "{'resourceSpans':[{'schemaUrl':'" SECRET "','resource':{'entityRefs':[{'schemaUrl':'" SECRET "','type':'" SECRET
    "','idKeys':['" SECRET "'],'descriptionKeys':['a','" SECRET
    "']}]},'scopeSpans':[{'spans':[{'links':[{'traceState':'a=" SECRET "'}]}]}]}]}",
    LOG_BODY(MAP(ATTRIBUTE(SECRET, MAP(TEXT("a " SECRET, SECRET)))), TEXT(SECRET, SECRET)),
};

START_TEST(test_places_that_are_left_alone)
{
    const char *input = places[_i];
    component_begin(&weft_processor_redaction, "allow_all_keys: true\nblocked_values: ['sk-']", signal_of(input));
    struct weft_buffer request = request_of(input);
    ck_assert(offer(signal_of(input), weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert(weft_slice_equal(weft_buffer_slice(&sink.last), weft_buffer_slice(&request)));
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

START_TEST(test_scope_all_leaves_no_place_alone)
{
    static const char *const configs[] = {
        "allow_all_keys: true\nscope: all\nblocked_values: ['sk-[0-9a-f]+']",
        "allow_all_keys: true\nscope: all\nsummary: debug\nblocked_values: ['sk-[0-9a-f]+']",
        "allow_all_keys: true\nscope: all\nhash_function: sha1\nredact_all_types: true\nsummary: debug\n"
        "blocked_values: ['sk-[0-9a-f]+']",
        "scope: all\nsummary: debug\nblocked_values: ['sk-[0-9a-f]+']",
    };
    const char *input = places[_i];
    enum weft_signal signal = signal_of(input);
    for (size_t i = 0; i < WEFT_COUNT_OF(configs); i++) {
        struct weft_otlp_counts counts;
        component_begin(&weft_processor_redaction, configs[i], signal);
        struct weft_buffer request = request_of(input);
        ck_assert(offer(signal, weft_buffer_slice(&request), NULL) == WEFT_OK);
        ck_assert(weft_otlp_check(signal, weft_buffer_slice(&sink.last), NULL, &counts, NULL) == WEFT_OK);
        if (contains(weft_buffer_slice(&sink.last), "sk-0")) {
            struct weft_buffer text = { 0 };
            weft_buffer_append_json_escaped(&text, weft_buffer_slice(&sink.last));
            ck_abort_msg("%s\n%s\nbecame\n%.*s", configs[i], input, WEFT_SLICE_PRINT(weft_buffer_slice(&text)));
        }
        weft_buffer_fini(&request);
        fixture_end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_no_planted_secret_is_left);
    tcase_add_loop_test(tests, test_places_that_are_left_alone, 0, WEFT_COUNT_OF(places) - 1);
    tcase_add_loop_test(tests, test_scope_all_leaves_no_place_alone, 0, WEFT_COUNT_OF(places));
}

int main(void)
{
    return component_run("processor redaction secrets", add_tests);
}
