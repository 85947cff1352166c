/* What detectors find in texts that are percent-encoded or base64, and in both within each other; what it costs when
 * somebody writes a text for that; and which texts of a config's are decoded. */
#include "processors/redaction_rules.h"

#include "base/alloc.h"
#include "component_test.h"
#include "processors/redaction_encoded_internal.h"

#define MASK "****"
#define MAIL "ann@example.com"
#define ANN  "YW5uQGV4YW1wbGUuY29t"                            /* MAIL */
#define ANN2 "WVc1dVFHVjRZVzF3YkdVdVkyOXQ="                    /* ANN */
#define ANN3 "V1ZjMWRWRkhWalJaVnpGM1lrZFZkVmt5T1hRPQ=="        /* ANN2 */
#define KEY  "QUtJQUlPU0ZPRE5ON0VYQU1QTEU="                    /* AKIAIOSFODNN7EXAMPLE */
#define JSON "eyJhIjoiXHUwMDQxS0lBSU9TRk9ETk43RVhBTVBMRVxuIn0" /* {"a":"\u0041KIAIOSFODNN7EXAMPLE\n"} */

static char *detectors[] = { "email", "aws_key", "password_kv", "ipv4", "url_password", "credit_card" };

#define DETECTORS .allow_all_keys = true, .detectors = { .items = detectors, .count = WEFT_COUNT_OF(detectors) }
#define DECODE(...)                                                                                     \
    {                                                                                                   \
        .items = (char *[]){ __VA_ARGS__ }, .count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) \
    }

static const struct weft_redaction_config all = { DETECTORS, .scope = { WEFT_REDACTION_ALL } };
static const struct weft_redaction_config collector = { DETECTORS };
static const struct weft_redaction_config none = { DETECTORS, .scope = { WEFT_REDACTION_ALL },
                                                   .decode = DECODE("none") };
static const struct weft_redaction_config percent = { DETECTORS, .decode = DECODE("percent") };
static const struct weft_redaction_config base64 = { DETECTORS, .decode = DECODE("base64") };
static const struct weft_redaction_config hashing = { DETECTORS, .scope = { WEFT_REDACTION_ALL },
                                                      .hash_function = { WEFT_REDACTION_MD5 } };

static const struct row {
    const struct weft_redaction_config *config;
    const char *text, *expected; /* NULL: it stays as it is */
} rows[] = {
    /* percent: what stands for it and no more */
    { &all, "to=ann%40example.com&x=1", "to=" MASK "&x=1" },
    { &all, "%7B%22to%22%3A%22ann%40example.com%22%7D", "%7B%22to%22%3A%22" MASK "%22%7D" },
    { &all, "x%20%34111111111111111%20y", "x%20" MASK "%20y" },
    { &all, "ann%2540example.com ann%252540example.com", MASK " " MASK },
    { &all, "ann\\u002540example.com", MASK },
    { &all, "%5Cu0041KIAIOSFODNN7EXAMPLE%5Cn", MASK "%5Cn" },
    { &all, "100% sure, %4, %zz, %", NULL },
    /* base64 of both alphabets, with and without = */
    { &all, ANN, MASK },
    { &all, "to " ANN ", key=" KEY "!", "to " MASK ", key=" MASK "!" },
    { &all, "eyJwIjoiYT4-fj8_cGFzc3dvcmQ9aHVudGVyMiJ9", MASK }, /* {"p":"a>>~??password=hunter2"} */
    { &all, "eyJwIjoiYT4+fj8/cGFzc3dvcmQ9aHVudGVyMiJ9", MASK },
    { &all, "/files/" ANN "/x", "/files/" MASK "/x" },
    { &all, "/files/a/" KEY, "/files/a/" MASK },
    { &all, "id-" ANN "-9", MASK },
    { &all, "x" ANN, MASK },
    { &all, "/////" KEY, "/////" MASK },
    { &all, "gIGCg4SFhoeI" ANN "gIGCg4SFhoeI", MASK }, /* between other bytes */
    /* in one another */
    { &all, "a " ANN2, "a " MASK },
    { &all, ANN3, MASK },
    { &all, "q=YW5uQGV4YW1wbGUuY29tLCA%3D&b=1", "q=" MASK "&b=1" },
    { &all, "q=QUtJQUlPU0ZPRE5O%4E%30VYQU1QTEU", "q=" MASK },
    { &all, JSON, MASK },
    { &all, "{\\\"b\\\":\\\"" ANN "\\\"}", "{\\\"b\\\":\\\"" MASK "\\\"}" },
    { &all, "YW5uJTQwZXhhbXBsZS5jb20=", MASK }, /* ann%40example.com */
    { &all, "eyJwIjoiYT4+fj8\\/cGFzc3dvcmQ9aHVudGVyMiJ9", MASK },
    { &all, ANN " and " MAIL, MASK " and " MASK },
    /* what is none */
    { &all, "QWxsIGlzIHdlbGwgdGhhdCBlbmRzIHdlbGw=", NULL },
    { &all, "550e8400-e29b-41d4-a716-446655440000 /usr/local/share/applications", NULL },
    { &all, "YUBiLmRl", NULL }, /* too short: a@b.de */
    /* which are decoded */
    { &collector, ANN " ann%40example.com", NULL },
    { &none, ANN " ann%40example.com", NULL },
    { &percent, ANN " ann%40example.com", ANN " " MASK },
    { &base64, ANN " ann%40example.com", MASK " ann%40example.com" },
    { &hashing, "a " ANN, "a ec7002d9e4fa2c91c9cab057d0236827" },
};

static bool mask(const struct weft_redaction_config *config, struct weft_slice text, struct weft_buffer *out,
                 uint64_t *out_limits)
{
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    struct weft_slice masked = text;
    ck_assert(weft_redaction_rules_new(config, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
    bool is_masked = weft_redaction_mask(&matcher, text, &masked);
    weft_buffer_append(out, masked.bytes, masked.length);
    weft_buffer_append_byte(out, 0);
    *out_limits = matcher.limit_count;
    weft_redaction_matcher_trim(&matcher);
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
    return is_masked;
}

START_TEST(test_what_is_encoded_is_found)
{
    struct weft_buffer out = { 0 };
    uint64_t limits;
    bool is_masked = mask(rows[_i].config, weft_slice_of_text(rows[_i].text), &out, &limits);
    ck_assert_str_eq((const char *)out.bytes, rows[_i].expected == NULL ? rows[_i].text : rows[_i].expected);
    ck_assert(is_masked == (rows[_i].expected != NULL));
    ck_assert_uint_eq(limits, 0);
    weft_buffer_fini(&out);
}
END_TEST

/* ---- the first look ---- */

/* Whether the 16 characters there are base64 of 12 bytes of ASCII. */
static bool is_ascii(struct weft_slice text, size_t start)
{
    uint8_t bytes[WEFT_ENCODED_MIN_RUN];
    if (weft_detector_base64(text.bytes + start, WEFT_ENCODED_MIN_RUN, bytes, sizeof bytes) != 12) {
        return false;
    }
    for (size_t i = 0; i < 12; i++) {
        if (bytes[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

/* The first such place and the last one, sought one by one. */
static struct weft_found seek_ascii(struct weft_slice text)
{
    struct weft_found where = { SIZE_MAX, 0 };
    for (size_t start = 0; start + WEFT_ENCODED_MIN_RUN <= text.length; start++) {
        if (is_ascii(text, start)) {
            where.start = where.end == 0 ? start : where.start;
            where.end = start + WEFT_ENCODED_MIN_RUN;
        }
    }
    return where;
}

/* Both ways to look see what there is, and read nothing behind it. */
static void expect_seen(struct weft_slice outer)
{
    uint8_t *bytes = weft_alloc(outer.length + 1);
    memcpy(bytes + 1, outer.bytes, outer.length);
    struct weft_slice text = weft_slice_of(bytes + 1, outer.length);
    static struct weft_encoded_rules rules;
    static const struct weft_detector_filter no_detectors;
    struct weft_found expected = seek_ascii(text);
    weft_encoded_rules_init(&rules, &no_detectors, WEFT_ENCODED_BASE64);
    for (int has_vectors = 0; has_vectors <= weft_detector_has_vectors(); has_vectors++) {
        struct weft_found where;
        bool is_seen = weft_encoded_find_ascii(&rules, text, has_vectors != 0, &where);
        ck_assert_msg(is_seen == (expected.end > 0) && where.start == expected.start && where.end == expected.end,
                      "%zu to %zu, not %zu to %zu, in %.*s", where.start, where.end, expected.start, expected.end,
                      WEFT_SLICE_PRINT(text));
    }
    weft_free(bytes);
}

START_TEST(test_a_run_is_seen_at_any_place)
{
    enum { ROOM = 200, STARTS = 140 };
    uint8_t text[ROOM];
    for (size_t length = 0; length < ROOM; length += 1 + length / 20) {
        for (size_t start = 0; start < STARTS && start < length; start++) {
            for (size_t run = 15; run < 18 && start + run <= length; run++) {
                memset(text, '.', sizeof text);
                memset(text + start, 'Q', run);
                expect_seen(weft_slice_of(text, length));
            }
        }
    }
}
END_TEST

/* Each byte in each place of a run. */
START_TEST(test_all_characters_are_known_in_all_places)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        for (size_t place = 0; place < WEFT_ENCODED_MIN_RUN; place++) {
            uint8_t text[WEFT_ENCODED_MIN_RUN + 2] = "YW5uQGV4YW1wbGUu";
            text[place] = (uint8_t)byte;
            expect_seen(weft_slice_of(text, WEFT_ENCODED_MIN_RUN));
        }
    }
}
END_TEST

/* Random bytes of alphabets in which few things, or almost all, may be such a place. */
START_TEST(test_both_ways_see_the_same)
{
    enum { TEXTS = 20000, ROOM = 300 };
    static const char *const alphabets[] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_",
        "ABCDEFQRSTUV",
        "ABCcdef0123",
        "AAAAAAAAAAAAAAAAAAAB.",
        "0123456789abcdef-",
        "QWxsIGlzIHdlbGw=",
    };
    uint64_t state = 20261129;
    size_t seen = 0;
    for (int n = 0; n < TEXTS; n++) {
        uint8_t text[ROOM];
        const char *alphabet = alphabets[(size_t)n % WEFT_COUNT_OF(alphabets)];
        size_t length = 0;
        state = state * 6364136223846793005u + 1442695040888963407u;
        size_t wanted = (size_t)(state >> 33) % ROOM;
        for (; length < wanted; length++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            text[length] = (uint8_t)alphabet[(state >> 33) % strlen(alphabet)];
            text[length] = (state >> 40) % 500 == 0 ? (uint8_t)(state >> 50) : text[length];
        }
        expect_seen(weft_slice_of(text, length));
        seen += seek_ascii(weft_slice_of(text, length)).end > 0;
    }
    ck_assert(seen > TEXTS / 10 && seen < TEXTS - TEXTS / 10);
}
END_TEST

/* Decoded again and again a text wants more work than its length is worth: it is hidden as a whole, and counted. */
START_TEST(test_a_text_that_wants_too_much_is_hidden)
{
    static const char unit[] = "QUFB";
    struct weft_buffer text = { 0 };
    struct weft_buffer out = { 0 };
    uint64_t limits;
    while (text.length < 100000) {
        weft_buffer_append_text(&text, unit);
    }
    ck_assert(mask(&all, weft_buffer_slice(&text), &out, &limits));
    ck_assert_str_eq((const char *)out.bytes, MASK);
    ck_assert_uint_eq(limits, 1);
    weft_buffer_fini(&text);
    weft_buffer_fini(&out);
}
END_TEST

/* However much is found in a run it is one place, for each place of four where its quads may begin: to tell each by
 * itself would cost the run's length again. */
START_TEST(test_a_run_is_one_place_however_much_it_holds)
{
    enum { UNITS = 2000 };
    static const char unit[] = "bWVAYWNtZS5jb20g++++"; /* me@acme.com, and what is no ASCII */
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    struct weft_buffer text = { 0 };
    struct weft_slice masked;
    for (int i = 0; i < UNITS; i++) {
        weft_buffer_append_text(&text, unit);
    }
    weft_buffer_append_text(&text, " and /bWVAYWNtZS5jb20g/of");
    ck_assert(weft_redaction_rules_new(&all, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_mask(&matcher, weft_buffer_slice(&text), &masked));
    ck_assert(weft_slice_equal(masked, WEFT_SLICE_LITERAL(MASK " and /" MASK "/of")));
    ck_assert_uint_le(matcher.encoded.hits.length, 8 * sizeof(struct weft_encoded_hit));
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
    weft_buffer_fini(&text);
}
END_TEST

/* Nothing but zeros in base64, or one letter, is no such text. */
START_TEST(test_long_texts_of_one_character_are_left_alone)
{
    static const char characters[] = "AaQZ09+/-_%\\";
    for (size_t i = 0; characters[i] != 0; i++) {
        struct weft_buffer text = { 0 };
        struct weft_buffer out = { 0 };
        uint64_t limits;
        while (text.length < 100000) {
            weft_buffer_append_byte(&text, (uint8_t)characters[i]);
        }
        ck_assert_msg(!mask(&all, weft_buffer_slice(&text), &out, &limits), "%c", characters[i]);
        weft_buffer_fini(&text);
        weft_buffer_fini(&out);
    }
}
END_TEST

START_TEST(test_config_errors_name_the_word)
{
    extern const struct weft_component weft_processor_redaction;
    component_expect_refused(&weft_processor_redaction, "decode: [percent, hex]", WEFT_INVALID,
                             "decode: hex is neither percent nor base64");
    component_expect_refused(&weft_processor_redaction, "decode: [percent, none]", WEFT_INVALID, "none alone");
}
END_TEST

/* Memory that runs out at any point: what is encoded is hidden all the same. */
START_TEST(test_each_allocation_failing_hides_the_text)
{
    static const char text[] = "%20 " ANN2 " \\u0020ann%2540example.com";
    struct weft_redaction_rules *rules = NULL;
    bool has_failed = true;
    size_t failures = 0;
    ck_assert(weft_redaction_rules_new(&all, &rules, NULL) == WEFT_OK);
    for (size_t n = 1; has_failed; n++) {
        struct weft_redaction_matcher matcher;
        struct weft_slice masked = weft_slice_of_text(text);
        ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
        weft_alloc_fail_at(n);
        bool is_masked = weft_redaction_mask(&matcher, masked, &masked);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        failures += has_failed;
        ck_assert(is_masked);
        ck_assert(memmem(masked.bytes, masked.length, "WVc1", 4) == NULL);
        ck_assert(memmem(masked.bytes, masked.length, "ann", 3) == NULL);
        weft_redaction_matcher_fini(&matcher);
    }
    ck_assert_uint_gt(failures, 5);
    weft_redaction_rules_free(&rules);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_what_is_encoded_is_found, 0, WEFT_COUNT_OF(rows));
    tcase_add_test(tests, test_a_run_is_seen_at_any_place);
    tcase_add_test(tests, test_all_characters_are_known_in_all_places);
    tcase_add_test(tests, test_both_ways_see_the_same);
    tcase_add_test(tests, test_a_text_that_wants_too_much_is_hidden);
    tcase_add_test(tests, test_a_run_is_one_place_however_much_it_holds);
    tcase_add_test(tests, test_long_texts_of_one_character_are_left_alone);
    tcase_add_test(tests, test_config_errors_name_the_word);
    tcase_add_test(tests, test_each_allocation_failing_hides_the_text);
}

int main(void)
{
    return component_run("redaction encoded", add_tests);
}
