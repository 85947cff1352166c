/* Any bytes that the check lets pass as a request, under several rules: what comes out passes the check, too, has as
 * many records, and of what did not change not a byte was written. Where a look at all of a record says what need not
 * be read, reading all of it comes to the same. */
#include <stdlib.h>

#include "base/assert.h"
#include "processors/redaction_walk.h"
#include "wire/otlp_check.h"
#include "wire/otlp_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STRINGS(...)                                                                                    \
    {                                                                                                   \
        .items = (char *[]){ __VA_ARGS__ }, .count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
    }

static const struct weft_redaction_config configs[] = {
    { .allow_all_keys = true,
      .blocked_values = STRINGS("[0-9]{2}", "[a-d]+[0-9]", "(?i)x$"),
      .summary = { WEFT_REDACTION_DEBUG } },
    { .allowed_keys = STRINGS("a", "b", "data"),
      .ignored_keys = STRINGS("b"),
      .blocked_key_patterns = STRINGS("k|t"),
      .blocked_values = STRINGS("a*"),
      .allowed_values = STRINGS("ok"),
      .summary = { WEFT_REDACTION_INFO } },
    { .allow_all_keys = true,
      .redact_all_types = true,
      .ignored_key_patterns = STRINGS("^i"),
      .blocked_values = STRINGS("1", "\"[a-z]*\":", "."),
      .summary = { WEFT_REDACTION_DEBUG } },
    { .allow_all_keys = true,
      .blocked_values = STRINGS("[a-m]", "[0-9]{2}"),
      .detectors = STRINGS("email", "credit_card", "iban", "jwt", "pem", "aws_key", "github_token", "slack_token",
                           "stripe_key", "google_api_key", "openai_key", "anthropic_key", "runpod_key", "inngest_key",
                           "bearer", "basic_auth", "url_password", "password_kv", "ipv4", "ipv6", "us_ssn", "phone"),
      .scope = { WEFT_REDACTION_ALL },
      .hash_function = { WEFT_REDACTION_SHA1 },
      .rules = { .items = (struct weft_redaction_own_config[]){ { .pattern = "[p-s]+", .mask = "" },
                                                                { .detector = "ipv4", .tokenize = true } },
                 .count = 2 },
      .token_key = { "01234567890123456789012345678901" },
      .summary = { WEFT_REDACTION_DEBUG } },
    { .allow_all_keys = true,
      .redact_all_types = true,
      .url_sanitizer = { .enabled = true, .sanitize_span_name = true, .attributes = STRINGS("a", "u", "url.full") },
      .db_sanitizer = { .sql = { .enabled = true, .attributes = STRINGS("b", "q", "db.query.text") },
                        .redis = { .enabled = true, .attributes = STRINGS("a", "b") },
                        .memcached = { .enabled = true, .attributes = STRINGS("k") },
                        .mongo = { .enabled = true, .attributes = STRINGS("b", "data") },
                        .sanitize_span_name = true },
      .summary = { WEFT_REDACTION_DEBUG } },
};

/* Nothing but search. */
static const struct weft_redaction_config search = {
    .allow_all_keys = true,
    .detectors =
        STRINGS("email", "credit_card", "iban", "jwt", "pem", "aws_key", "github_token", "slack_token", "stripe_key",
                "bearer", "basic_auth", "url_password", "password_kv", "ipv4", "us_ssn", "phone"),
    .scope = { WEFT_REDACTION_ALL },
};

enum { CONFIGS = sizeof configs / sizeof configs[0] };

static struct weft_redactor redactors[CONFIGS];
static struct weft_redactor searching, reading; /* the same, of which one reads everything */

static void make(const struct weft_redaction_config *config, struct weft_redactor *out_redactor)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    if (weft_redaction_rules_new(config, &rules, &error) != WEFT_OK ||
        weft_redactor_init(out_redactor, rules, &error) != WEFT_OK) {
        abort();
    }
}

static void set_up(void)
{
    for (size_t i = 0; i < CONFIGS; i++) {
        make(&configs[i], &redactors[i]);
    }
    make(&search, &searching);
    make(&search, &reading);
    weft_assert(searching.is_search_only);
    reading.is_search_only = false;
}

static void redact(struct weft_redactor *redactor, enum weft_signal signal, struct weft_arena *arena,
                   struct weft_otlp_table *table)
{
    enum weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < table->resource_count && status == WEFT_OK; i++) {
        status = weft_redactor_apply(redactor, signal, WEFT_REDACTION_RESOURCE_X, arena, &table->resources[i].header);
    }
    for (uint32_t i = 0; i < table->scope_count && status == WEFT_OK; i++) {
        status = weft_redactor_apply(redactor, signal, WEFT_REDACTION_SCOPE_X, arena, &table->scopes[i].header);
    }
    for (uint32_t i = 0; i < table->record_count && status == WEFT_OK; i++) {
        struct weft_slice record = { table->records[i].bytes, table->records[i].length };
        status = weft_redactor_apply(redactor, signal, WEFT_REDACTION_RECORD, arena, &record);
        table->records[i].bytes = record.bytes;
        table->records[i].length = (uint32_t)record.length;
    }
    weft_assert(status == WEFT_OK);
}

static struct weft_buffer check_redaction(struct weft_redactor *redactor, enum weft_signal signal,
                                          struct weft_slice request, const struct weft_otlp_counts *counts)
{
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_otlp_table table;
    struct weft_slices slices;
    struct weft_buffer out = { 0 };
    struct weft_otlp_counts after;
    struct weft_error error = WEFT_ERROR_NONE;
    weft_slices_init(&slices);
    enum weft_status status = weft_otlp_table_build(signal, request, counts, arena, &table, NULL);
    weft_assert(status == WEFT_OK);
    redact(redactor, signal, arena, &table);
    weft_redactor_trim(redactor);
    status = weft_otlp_table_emit(&table, arena, &slices);
    weft_assert(status == WEFT_OK);
    for (size_t i = 0; i < slices.count; i++) {
        weft_buffer_append(&out, slices.items[i].bytes, slices.items[i].length);
    }
    status = weft_otlp_check(signal, weft_buffer_slice(&out), NULL, &after, &error);
    weft_assert(status == WEFT_OK && after.records == counts->records);
    weft_slices_fini(&slices);
    weft_arena_unref(&arena);
    return out;
}

static void check_search(enum weft_signal signal, struct weft_slice request, const struct weft_otlp_counts *counts)
{
    struct weft_buffer searched = check_redaction(&searching, signal, request, counts);
    struct weft_buffer read = check_redaction(&reading, signal, request, counts);
    weft_assert(weft_slice_equal(weft_buffer_slice(&searched), weft_buffer_slice(&read)));
    weft_buffer_fini(&searched);
    weft_buffer_fini(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (redactors[0].matcher.scratch == NULL) {
        set_up();
    }
    for (int signal = WEFT_TRACES; signal <= WEFT_LOGS; signal++) {
        struct weft_otlp_counts counts;
        struct weft_slice request = { data, size };
        if (weft_otlp_check((enum weft_signal)signal, request, NULL, &counts, NULL) != WEFT_OK) {
            continue;
        }
        for (size_t i = 0; i < CONFIGS; i++) {
            struct weft_buffer out = check_redaction(&redactors[i], (enum weft_signal)signal, request, &counts);
            weft_buffer_fini(&out);
        }
        check_search((enum weft_signal)signal, request, &counts);
    }
    return 0;
}
