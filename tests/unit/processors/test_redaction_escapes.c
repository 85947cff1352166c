/* What detectors find in texts with escapes: of JSON, however deep it lies in strings, and of terminals. */
#include "processors/redaction_rules.h"

#include "component_test.h"

#define MASK "****"

static char *detectors[] = { "email", "aws_key", "password_kv", "ipv4", "url_password", "credit_card" };
static const struct weft_redaction_config masking = {
    .allow_all_keys = true,
    .detectors = { .items = detectors, .count = WEFT_COUNT_OF(detectors) },
};
static struct weft_redaction_own_config own_items[] = { { .detector = "email", .mask = "<mail>" } };
static const struct weft_redaction_config replacing = { .allow_all_keys = true,
                                                        .rules = { .items = own_items, .count = 1 } };
static const struct weft_redaction_config hashing = {
    .allow_all_keys = true,
    .detectors = { .items = (char *[]){ "ipv4" }, .count = 1 },
    .hash_function = { WEFT_REDACTION_MD5 },
};

static const struct row {
    const struct weft_redaction_config *config;
    const char *text, *expected; /* NULL: it stays as it is */
} rows[] = {
    /* the letter of an escape is no part of a word */
    { &masking, "{\"x\":\"\\tAKIAIOSFODNN7EXAMPLE\\n\"}", "{\"x\":\"\\t" MASK "\\n\"}" },
    { &masking, "{\\\"x\\\":\\\"\\\\t10.0.0.1\\\\n\\\"}", "{\\\"x\\\":\\\"\\\\t" MASK "\\\\n\\\"}" },
    { &masking, "\\u20194111111111111111\\u2019", "\\u2019" MASK "\\u2019" },
    { &masking, "\\ud83d\\ude0010.0.0.1", "\\ud83d\\ude00" MASK },
    /* what counts may be one */
    { &masking, "ann\\u0040example.com \\\\\\u201e10.0.0.1", MASK " \\\\\\u201e" MASK },
    { &masking, "token\\u003dabcde, ftp:\\/\\/ann:pwd@h\\/x", "token\\u003d" MASK ", ftp:\\/\\/ann:" MASK "@h\\/x" },
    { &masking, "b(ann\\x40example.com\\x00)", "b(" MASK "\\x00)" },
    /* colours, as they are and in JSON */
    { &masking, "\x1b[31m10.0.0.1\x1b[0m \x1b[1;31m10.0.0.2\x1b[m",
      "\x1b[31m" MASK "\x1b[0m \x1b[1;31m" MASK "\x1b[m" },
    { &masking, "\\u001b[31m10.0.0.1\\x1b[0m", "\\u001b[31m" MASK "\\x1b[0m" },
    /* nothing that is cut off or none */
    { &masking, "C:\\new\\temp\\u12 \\x4 \\", NULL },
    { &masking, "\x1b[31", NULL },
    { &masking, "\\", NULL },
    { &masking, "ftp:\\/\\/a:pwd\\/", NULL },
    /* other replacements */
    { &replacing, "\\\"ann@example.com\\\"", "\\\"<mail>\\\"" },
    { &replacing, "ann\\u0040example.com", MASK },
    { &hashing, "\\n10.0.0.1", "\\n190dafab69706a67221c1226360de7dc" },
};

static bool mask(const struct row *row, struct weft_buffer *out, uint64_t *out_limits)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    struct weft_slice masked = weft_slice_of_text(row->text);
    ck_assert(weft_redaction_rules_new(row->config, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
    bool is_masked = weft_redaction_mask(&matcher, masked, &masked);
    weft_buffer_append(out, masked.bytes, masked.length);
    weft_buffer_append_byte(out, 0);
    *out_limits = matcher.limit_count;
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
    return is_masked;
}

START_TEST(test_rows)
{
    const struct row *row = &rows[_i];
    struct weft_buffer out = { 0 };
    uint64_t limits;
    ck_assert(mask(row, &out, &limits) == (row->expected != NULL));
    ck_assert_str_eq((const char *)out.bytes, row->expected == NULL ? row->text : row->expected);
    ck_assert_uint_eq(limits, 0);
    weft_buffer_fini(&out);
}
END_TEST

/* The buffers for what is unescaped are taken when a text has a backslash: without them nobody knows what is there. */
START_TEST(test_without_memory_all_of_the_text_is_masked)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    struct weft_slice text = WEFT_SLICE_LITERAL("\\tplain");
    struct weft_slice masked;
    ck_assert(weft_redaction_rules_new(&masking, &rules, NULL) == WEFT_OK);
    for (size_t n = 1; n <= 2; n++) {
        ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
        ck_assert(!weft_redaction_mask(&matcher, WEFT_SLICE_LITERAL("plain"), &masked));
        weft_alloc_fail_at(n);
        bool is_masked = weft_redaction_mask(&matcher, text, &masked);
        ck_assert(weft_alloc_has_failed());
        weft_alloc_fail_at(0);
        ck_assert(is_masked && weft_slice_equal(masked, WEFT_SLICE_LITERAL(MASK)));
        ck_assert_uint_eq(matcher.limit_count, 1);
        ck_assert(!weft_redaction_mask(&matcher, text, &masked)); /* the next one finds memory */
        ck_assert(!weft_redaction_mask(&matcher, WEFT_SLICE_LITERAL("plain"), &masked));
        weft_redaction_matcher_fini(&matcher);
    }
    weft_redaction_rules_free(&rules);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_rows, 0, WEFT_COUNT_OF(rows));
    tcase_add_test(tests, test_without_memory_all_of_the_text_is_masked);
}

int main(void)
{
    return component_run("redaction escapes", add_tests);
}
