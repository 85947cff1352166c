/* Ids as producers write them: each form of the table under each kind of key, words for nothing, hashed words, whole
 * headers, and the hash itself beside the vectors of its standard. */
#include "wire/wire_test.h"

#include <stdio.h>

#include "wire/ids.h"
#include "wire/sha256.h"

static void hex_of(const uint8_t *bytes, size_t length, char *out_text)
{
    for (size_t i = 0; i < length; i++) {
        sprintf(out_text + 2 * i, "%02x", bytes[i]);
    }
    out_text[2 * length] = 0;
}

/* The text in memory of exactly its length, so that a read past its end is seen. */
static struct weft_slice exact(const char *text)
{
    size_t length = strlen(text);
    uint8_t *bytes = weft_alloc(length > 0 ? length : 1);
    memcpy(bytes, text, length);
    return weft_slice_of(bytes, length);
}

static void release(struct weft_slice text)
{
    weft_free((void *)(uintptr_t)text.bytes);
}

#define FULL_HEX "4bf92f3577b34da6a3ce929d0e0e4736"
#define HALF_HEX "a3ce929d0e0e4736"
#define LOW_ONLY "0000000000000000a3ce929d0e0e4736"

struct id_case {
    const char *text;
    const char *hex; /* NULL: none, for the problem */
    enum weft_id_kind kind;
    enum weft_id_problem problem;
};

#define IS(text, hex, kind)                           \
    {                                                 \
        text, hex, WEFT_ID_##kind, WEFT_ID_PROBLEM_OK \
    }
#define NONE(text, problem)                                 \
    {                                                       \
        text, NULL, WEFT_ID_NONE, WEFT_ID_PROBLEM_##problem \
    }

static void check_trace_ids(const struct id_case *cases, size_t count, enum weft_id_dialect dialect)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_trace_id id = { .kind = WEFT_ID_NONE };
        char hex[40] = "";
        struct weft_slice text = exact(cases[i].text);
        enum weft_id_problem problem = weft_trace_id_of_text(text, dialect, &id);
        release(text);
        ck_assert_msg(problem == cases[i].problem, "%s: %s", cases[i].text, weft_id_problem_name(problem));
        ck_assert_msg(id.kind == cases[i].kind, "%s: %s", cases[i].text, weft_id_kind_name(id.kind));
        if (cases[i].hex != NULL) {
            hex_of(id.bytes, sizeof id.bytes, hex);
            ck_assert_msg(strcmp(hex, cases[i].hex) == 0, "%s: %s", cases[i].text, hex);
        }
    }
}

static void check_span_ids(const struct id_case *cases, size_t count, enum weft_id_dialect dialect)
{
    for (size_t i = 0; i < count; i++) {
        struct weft_span_id id = { .kind = WEFT_ID_NONE };
        char hex[40] = "";
        struct weft_slice text = exact(cases[i].text);
        enum weft_id_problem problem = weft_span_id_of_text(text, dialect, &id);
        release(text);
        ck_assert_msg(problem == cases[i].problem, "%s: %s", cases[i].text, weft_id_problem_name(problem));
        ck_assert_msg(id.kind == cases[i].kind, "%s: %s", cases[i].text, weft_id_kind_name(id.kind));
        if (cases[i].hex != NULL) {
            hex_of(id.bytes, sizeof id.bytes, hex);
            ck_assert_msg(strcmp(hex, cases[i].hex) == 0, "%s: %s", cases[i].text, hex);
        }
    }
}

#define CHECK_TRACE_IDS(cases, dialect) check_trace_ids(cases, WEFT_COUNT_OF(cases), WEFT_ID_##dialect)
#define CHECK_SPAN_IDS(cases, dialect)  check_span_ids(cases, WEFT_COUNT_OF(cases), WEFT_ID_##dialect)

START_TEST(test_forms_hold_under_every_key)
{
    static const struct id_case cases[] = {
        IS(FULL_HEX, FULL_HEX, FULL),
        IS("4BF92F3577B34DA6A3CE929D0E0E4736", FULL_HEX, FULL),
        IS("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", FULL_HEX, FULL),
        IS("1-4bf92f35-77b34da6a3ce929d0e0e4736", FULL_HEX, FULL),
        IS("projects/my-project/traces/" FULL_HEX, FULL_HEX, FULL),
        IS("projects/my-project/traces/" HALF_HEX, LOW_ONLY, LOW64),
        IS("0x" FULL_HEX, FULL_HEX, FULL),
        IS("0X" FULL_HEX, FULL_HEX, FULL),
        IS("0xbf92f3577b34da6a3ce929d0e0e4736", "0bf92f3577b34da6a3ce929d0e0e4736", PADDED),
        IS("0x" HALF_HEX, LOW_ONLY, LOW64),
        IS("0x1", "00000000000000000000000000000001", PADDED),
        IS("Some(\"" FULL_HEX "\")", FULL_HEX, FULL),
        IS("Some(" FULL_HEX ")", FULL_HEX, FULL),
        IS("\"" FULL_HEX "\"", FULL_HEX, FULL),
        NONE("", EMPTY),
        NONE("0", EMPTY),
        NONE("None", EMPTY),
        NONE("null", EMPTY),
        NONE("undefined", EMPTY),
        NONE("unknown", EMPTY),
        NONE("<nil>", EMPTY),
        NONE("\"\"", EMPTY),
        NONE("Some(\"\")", EMPTY),
        NONE("000", ZERO),
        NONE("00000000000000000000000000000000", ZERO),
        NONE("0000000000000000", ZERO),
        NONE("0x0", ZERO),
        NONE("00000000-0000-0000-0000-000000000000", ZERO),
    };
    CHECK_TRACE_IDS(cases, GENERIC);
    CHECK_TRACE_IDS(cases, TRACER);
    CHECK_TRACE_IDS(cases, DATADOG);
}
END_TEST

START_TEST(test_words_are_hashed_under_generic_keys)
{
    static const struct id_case cases[] = {
        IS("trace_xyz789", "43b6f56a8756d3582f94f07a88fe66e8", OPAQUE),
        IS("Some(\"trace_xyz789\")", "43b6f56a8756d3582f94f07a88fe66e8", OPAQUE),
        IS("4bf9", "871b2195bdd867b9abacc4a0c8539e01", OPAQUE),
        IS("user-supplied", "548d38a34264a6e21dbbf2806ce4b1dd", OPAQUE),
        IS(HALF_HEX, LOW_ONLY, LOW64),
        IS("1234567890123456", "00000000000000001234567890123456", LOW64),
    };
    CHECK_TRACE_IDS(cases, GENERIC);
    static const char *const near_misses[] = {
        "4bf92f3577b34da6a3ce929d0e0e473",
        "4bf92f3577b34da6a3ce929d0e0e473g",
        "4bf92f3577b34da6a3ce929d0e0e47360",
        "1-4bf92f35-77b34da6a3ce929d0e0e473",
        "1-4bf92f3-577b34da6a3ce929d0e0e47366",
        "4bf92f35-77b3-4da6-a3ce929d-0e0e4736",
        "projects/p/traces/word",
        "0x",
        "0x4bf92f3577b34da6a3ce929d0e0e47361",
        "18446744073709551615",
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(near_misses); i++) {
        struct weft_trace_id id;
        struct weft_slice text = exact(near_misses[i]);
        ck_assert_int_eq(weft_trace_id_of_text(text, WEFT_ID_GENERIC, &id), WEFT_ID_PROBLEM_OK);
        ck_assert_msg(id.kind == WEFT_ID_OPAQUE, "%s: %s", near_misses[i], weft_id_kind_name(id.kind));
        release(text);
    }
}
END_TEST

START_TEST(test_keys_of_tracers_take_short_hex_and_datadog_takes_decimals)
{
    static const struct id_case tracer[] = {
        IS("4bf9", "00000000000000000000000000004bf9", PADDED),
        IS("bf92f3577b34da6a3ce929d0e0e4736", "0bf92f3577b34da6a3ce929d0e0e4736", PADDED),
        IS("12345", "00000000000000000000000000012345", PADDED),
    };
    static const struct id_case datadog[] = {
        IS("1234567890123456", "0000000000000000000462d53c8abac0", LOW64),
        IS("18446744073709551615", "0000000000000000ffffffffffffffff", LOW64),
        IS(FULL_HEX, FULL_HEX, FULL),
        IS(HALF_HEX, LOW_ONLY, LOW64),
    };
    static const struct id_case spans[] = {
        IS("1234567890123456", "000462d53c8abac0", FULL),
        IS(HALF_HEX, HALF_HEX, FULL),
        IS("bf9", "0000000000000bf9", PADDED),
    };
    CHECK_TRACE_IDS(tracer, TRACER);
    CHECK_TRACE_IDS(datadog, DATADOG);
    CHECK_SPAN_IDS(spans, DATADOG);
}
END_TEST

START_TEST(test_span_ids_are_never_hashed)
{
    static const struct id_case cases[] = {
        IS("00f067aa0ba902b7", "00f067aa0ba902b7", FULL),
        IS("00F067AA0BA902B7", "00f067aa0ba902b7", FULL),
        IS("0xf067aa0ba902b7", "00f067aa0ba902b7", PADDED),
        IS("Some(\"00f067aa0ba902b7\")", "00f067aa0ba902b7", FULL),
        NONE("0", EMPTY),
        NONE("0000000000000000", ZERO),
        NONE("span_456", OPAQUE_SPAN),
        NONE("f067aa0ba902b7", OPAQUE_SPAN),
        NONE(FULL_HEX, OPAQUE_SPAN),
        NONE("4bf92f35-77b3-4da6-a3ce-929d0e0e4736", OPAQUE_SPAN),
    };
    CHECK_SPAN_IDS(cases, GENERIC);
}
END_TEST

START_TEST(test_numbers_are_ids_of_datadog_only_and_exact)
{
    struct weft_trace_id id;
    struct weft_span_id span_id;
    char hex[40];
    struct weft_slice number = WEFT_SLICE_LITERAL("18446744073709551615");
    ck_assert_int_eq(weft_trace_id_of_number(number, WEFT_ID_GENERIC, &id), WEFT_ID_PROBLEM_NOT_TEXT);
    ck_assert_int_eq(weft_trace_id_of_number(number, WEFT_ID_DATADOG, &id), WEFT_ID_PROBLEM_OK);
    hex_of(id.bytes, sizeof id.bytes, hex);
    ck_assert_str_eq(hex, "0000000000000000ffffffffffffffff");
    number = WEFT_SLICE_LITERAL("9007199254740993"); /* 2^53 + 1 */
    ck_assert_int_eq(weft_span_id_of_number(number, WEFT_ID_DATADOG, &span_id), WEFT_ID_PROBLEM_OK);
    hex_of(span_id.bytes, sizeof span_id.bytes, hex);
    ck_assert_str_eq(hex, "0020000000000001");
    static const char *const others[] = { "18446744073709551616", "-1", "1.0", "1e3" };
    for (size_t i = 0; i < WEFT_COUNT_OF(others); i++) {
        number = weft_slice_of_text(others[i]);
        ck_assert_int_eq(weft_trace_id_of_number(number, WEFT_ID_DATADOG, &id), WEFT_ID_PROBLEM_NOT_TEXT);
    }
}
END_TEST

START_TEST(test_long_words_are_none)
{
    char word[WEFT_ID_MAX_WORD + 1];
    struct weft_trace_id id;
    memset(word, 'w', sizeof word);
    ck_assert_int_eq(weft_trace_id_of_text(weft_slice_of(word, sizeof word - 1), WEFT_ID_GENERIC, &id),
                     WEFT_ID_PROBLEM_OK);
    ck_assert_int_eq(weft_trace_id_of_text(weft_slice_of(word, sizeof word), WEFT_ID_GENERIC, &id),
                     WEFT_ID_PROBLEM_TOO_LONG);
}
END_TEST

/* Words for nothing end where the text ends, not at a zero byte in it. */
START_TEST(test_zero_bytes_are_part_of_a_word)
{
    static const char word[] = "nil\0\0\0";
    for (size_t length = 4; length < sizeof word; length++) {
        struct weft_trace_id id = { .kind = WEFT_ID_NONE };
        uint8_t flags;
        ck_assert_int_eq(weft_trace_id_of_text(weft_slice_of(word, length), WEFT_ID_GENERIC, &id), WEFT_ID_PROBLEM_OK);
        ck_assert_int_eq(id.kind, WEFT_ID_OPAQUE);
        ck_assert(!weft_trace_flags_of_text(weft_slice_of(word + 1, length - 1), &flags));
    }
}
END_TEST

struct header_case {
    enum weft_id_header header;
    const char *text;
    enum weft_id_problem problem;
    const char *trace_hex, *span_hex; /* NULL: no span id */
    int flags;                        /* -1: none */
};

#define HEADER(header, text, trace, span, flags)                       \
    {                                                                  \
        WEFT_ID_##header, text, WEFT_ID_PROBLEM_OK, trace, span, flags \
    }
#define NO_HEADER(header, text, problem)                                  \
    {                                                                     \
        WEFT_ID_##header, text, WEFT_ID_PROBLEM_##problem, NULL, NULL, -1 \
    }
#define SPAN_HEX "00f067aa0ba902b7"

static const struct header_case header_cases[] = {
    HEADER(TRACEPARENT, "00-" FULL_HEX "-" SPAN_HEX "-01", FULL_HEX, SPAN_HEX, 1),
    HEADER(TRACEPARENT, "00-" FULL_HEX "-" SPAN_HEX "-03", FULL_HEX, SPAN_HEX, 3),
    HEADER(TRACEPARENT, "01-" FULL_HEX "-" SPAN_HEX "-00-more", FULL_HEX, SPAN_HEX, 0),
    NO_HEADER(TRACEPARENT, "00-" FULL_HEX "-" SPAN_HEX "-01-more", MALFORMED),
    NO_HEADER(TRACEPARENT, "ff-" FULL_HEX "-" SPAN_HEX "-01", MALFORMED),
    NO_HEADER(TRACEPARENT, "00-4BF92F3577B34DA6A3CE929D0E0E4736-" SPAN_HEX "-01", MALFORMED),
    NO_HEADER(TRACEPARENT, "00-" FULL_HEX "-" SPAN_HEX, MALFORMED),
    NO_HEADER(TRACEPARENT, "word", MALFORMED),
    NO_HEADER(TRACEPARENT, "", EMPTY),
    NO_HEADER(TRACEPARENT, "00-00000000000000000000000000000000-" SPAN_HEX "-01", ZERO),
    NO_HEADER(TRACEPARENT, "00-" FULL_HEX "-0000000000000000-01", ZERO),
    HEADER(B3, FULL_HEX "-" SPAN_HEX "-1", FULL_HEX, SPAN_HEX, 1),
    HEADER(B3, HALF_HEX "-" SPAN_HEX, LOW_ONLY, SPAN_HEX, -1),
    HEADER(B3, FULL_HEX "-" SPAN_HEX "-d-" SPAN_HEX, FULL_HEX, SPAN_HEX, 1),
    NO_HEADER(B3, "0", EMPTY),
    NO_HEADER(B3, "word-word", MALFORMED),
    HEADER(UBER, "4bf9:f06:0:1", "00000000000000000000000000004bf9", "0000000000000f06", 1),
    HEADER(UBER, FULL_HEX ":" SPAN_HEX ":0:2", FULL_HEX, SPAN_HEX, 0),
    NO_HEADER(UBER, FULL_HEX ":" SPAN_HEX, MALFORMED),
    HEADER(XRAY_HEADER, "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=" SPAN_HEX ";Sampled=1", FULL_HEX, SPAN_HEX,
           1),
    HEADER(XRAY_HEADER, "Self=1-1-1; Sampled=0; Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Lineage=a:1|b", FULL_HEX, NULL,
           0),
    HEADER(XRAY_HEADER, "1-4bf92f35-77b34da6a3ce929d0e0e4736", FULL_HEX, NULL, -1),
    NO_HEADER(XRAY_HEADER, "Parent=" SPAN_HEX, MALFORMED),
    NO_HEADER(XRAY_HEADER, "Root=word", MALFORMED),
};

START_TEST(test_headers_give_the_whole_context)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(header_cases); i++) {
        const struct header_case *example = &header_cases[i];
        struct weft_trace_context context;
        char hex[40];
        struct weft_slice text = exact(example->text);
        enum weft_id_problem problem = weft_ids_of_header(example->header, text, &context);
        release(text);
        ck_assert_msg(problem == example->problem, "%s: %s", example->text, weft_id_problem_name(problem));
        if (problem != WEFT_ID_PROBLEM_OK) {
            continue;
        }
        hex_of(context.trace_id.bytes, sizeof context.trace_id.bytes, hex);
        ck_assert_str_eq(hex, example->trace_hex);
        ck_assert_int_eq(context.span_id.kind != WEFT_ID_NONE, example->span_hex != NULL);
        if (example->span_hex != NULL) {
            hex_of(context.span_id.bytes, sizeof context.span_id.bytes, hex);
            ck_assert_str_eq(hex, example->span_hex);
        }
        ck_assert_int_eq(context.has_flags ? context.flags : -1, example->flags);
    }
}
END_TEST

/* Each truncation of each header is read without a fault, and is never a word's hash. */
START_TEST(test_truncated_headers_are_never_hashed)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(header_cases); i++) {
        for (size_t length = 0; length < strlen(header_cases[i].text); length++) {
            char cut[200];
            struct weft_trace_context context;
            snprintf(cut, length + 1, "%s", header_cases[i].text);
            struct weft_slice text = exact(cut);
            enum weft_id_problem problem = weft_ids_of_header(header_cases[i].header, text, &context);
            ck_assert(problem != WEFT_ID_PROBLEM_OK || context.trace_id.kind != WEFT_ID_OPAQUE);
            ck_assert(header_cases[i].header != WEFT_ID_TRACEPARENT || problem != WEFT_ID_PROBLEM_OK || length == 55 ||
                      cut[1] == '1');
            release(text);
        }
    }
}
END_TEST

START_TEST(test_flags_are_told_from_their_texts)
{
    static const struct {
        const char *text;
        int flags; /* -1: none */
    } cases[] = { { "01", 1 },   { "00", 0 },    { "1", 1 }, { "03", 3 },   { "ff", 255 },
                  { "True", 1 }, { "false", 0 }, { "", -1 }, { "001", -1 }, { "yes", -1 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        uint8_t flags;
        bool is_good = weft_trace_flags_of_text(weft_slice_of_text(cases[i].text), &flags);
        ck_assert_int_eq(is_good ? flags : -1, cases[i].flags);
    }
}
END_TEST

static void check_digest(struct weft_slice text, const char *expected)
{
    uint8_t digest[WEFT_SHA256_BYTES];
    char hex[2 * WEFT_SHA256_BYTES + 1];
    weft_sha256(text, digest);
    hex_of(digest, sizeof digest, hex);
    ck_assert_str_eq(hex, expected);
}

/* The examples of FIPS 180-2, appendix B, and lengths around the ends of blocks. */
START_TEST(test_sha256_gives_the_digests_of_its_standard)
{
    static const struct {
        size_t length;
        const char *digest;
    } runs[] = {
        { 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { 1, "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" },
        { 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
        { 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
        { 63, "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34" },
        { 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
        { 65, "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0" },
        { 119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb" },
        { 120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c" },
        { 128, "6836cf13bac400e9105071cd6af47084dfacad4e5e302c94bfed24e013afb73e" },
        { 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3" },
    };
    uint8_t run[1000];
    memset(run, 'a', sizeof run);
    check_digest(WEFT_SLICE_LITERAL("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_digest(WEFT_SLICE_LITERAL("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    for (size_t i = 0; i < WEFT_COUNT_OF(runs); i++) {
        check_digest(weft_slice_of(run, runs[i].length), runs[i].digest);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_forms_hold_under_every_key,
        test_words_are_hashed_under_generic_keys,
        test_keys_of_tracers_take_short_hex_and_datadog_takes_decimals,
        test_span_ids_are_never_hashed,
        test_numbers_are_ids_of_datadog_only_and_exact,
        test_long_words_are_none,
        test_zero_bytes_are_part_of_a_word,
        test_headers_give_the_whole_context,
        test_truncated_headers_are_never_hashed,
        test_flags_are_told_from_their_texts,
        test_sha256_gives_the_digests_of_its_standard,
    };
    return run_tests("ids", tests, WEFT_COUNT_OF(tests));
}
