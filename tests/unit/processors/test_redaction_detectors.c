/* Detectors: what each finds, and what looks like it and is none. In the expected text what was found is a #. */
#include "processors/redaction_detectors.h"

#include "component_test.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

#include <sys/mman.h>

#define JWT "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
#define PEM "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----"
#define A20 "aB3dE5gH7jK9mN1pQ3sT"
#define A36 "aB3dE5gH7jK9mN1pQ3sTaB3dE5gH7jK9mN1p"

static const struct row {
    enum weft_detector_id id;
    const char *text, *expected; /* NULL: nothing is found */
} rows[] = {
    { WEFT_DETECT_EMAIL, "mail ann.b+c@example.co.uk, please", "mail #, please" },
    { WEFT_DETECT_EMAIL, "<ann@example.com>.", "<#>." },
    { WEFT_DETECT_EMAIL, "a@b.de,c@d.org", "#,#" },
    { WEFT_DETECT_EMAIL, "\"to\":\"x_1@m\xc3\xbcller.example.com\"", "\"to\":\"#\"" },
    { WEFT_DETECT_EMAIL, "x@xn--mller-kva.xn--p1ai!", "#!" },
    { WEFT_DETECT_EMAIL, "...ann@example.com...", "...#..." },
    { WEFT_DETECT_EMAIL, "icon@2x.png a@b @c.de a@.de a@b..de a@b.c react@18.2.0 x@y.1a", NULL },
    { WEFT_DETECT_CREDIT_CARD, "card 4111111111111111 and 4111 1111 1111 1111.", "card # and #." },
    { WEFT_DETECT_CREDIT_CARD, "no=5500-0000-0000-0004;amex=3400 000000 00009", "no=#;amex=#" },
    { WEFT_DETECT_CREDIT_CARD, "{\"n\":\"378282246310005\"}", "{\"n\":\"#\"}" },
    { WEFT_DETECT_CREDIT_CARD, "4111111111111112 0411111111111111 a4111111111111111 41111111111111111111", NULL },
    { WEFT_DETECT_CREDIT_CARD, "0.4111111111111111 4111 1111-1111 1111 1700000000000000 41 11111111111111", NULL },
    { WEFT_DETECT_CREDIT_CARD, "12 4111111111111111 2720-9900-0000-0007", "12 # #" },
    { WEFT_DETECT_IBAN, "to DE89370400440532013000, or GB82 WEST 1234 5698 7654 32", "to #, or #" },
    { WEFT_DETECT_IBAN, "NO9386011117947", "#" },
    { WEFT_DETECT_IBAN, "DE89370400440532013001 XDE89370400440532013000 DE893704004405320130001 ZZ89370400440532013000",
      NULL },
    { WEFT_DETECT_JWT, "token " JWT " end", "token # end" },
    { WEFT_DETECT_JWT, "\"" JWT "\"", "\"#\"" },
    { WEFT_DETECT_JWT, "eyJhIjoiYiIsIngiOjF9.eyJzdWIiOiIxIn0.x eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9 eyJ.eyJ.eyJ",
      NULL },
    { WEFT_DETECT_PEM, "a\n" PEM "\nb " PEM, "a\n#\nb #" },
    { WEFT_DETECT_PEM, "x -----BEGIN PRIVATE KEY-----\nMIIB cut", "x #" },
    { WEFT_DETECT_PEM, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", NULL },
    { WEFT_DETECT_AWS_KEY, "id AKIAIOSFODNN7EXAMPLE,ASIAIOSFODNN7EXAMPLE", "id #,#" },
    { WEFT_DETECT_AWS_KEY, "AKIAIOSFODNN7EXAMPL XAKIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLEX AKIAIOSFODNN9EXAMPLE",
      NULL },
    { WEFT_DETECT_GITHUB_TOKEN, "ghp_" A36 " github_pat_" A20 "_" A36, "# #" },
    { WEFT_DETECT_GITHUB_TOKEN, "ghp_" A20 " xghp_" A36, NULL },
    { WEFT_DETECT_SLACK_TOKEN, "xoxb-123456789012-abc, xapp-1-A0-1", "#, xapp-1-A0-1" },
    { WEFT_DETECT_SLACK_TOKEN, "xoxb-short xoxb-only-letters-here", NULL },
    { WEFT_DETECT_STRIPE_KEY, "sk_live_" A20 " rk_test_" A20 " whsec_" A20 "+/==", "# # #" },
    { WEFT_DETECT_STRIPE_KEY, "pk_live_" A20 " sk_live_short task_sk_live_" A20, NULL },
    { WEFT_DETECT_GOOGLE_API_KEY, "key=AIzaSyA-aB3dE5gH7jK9mN1pQ3sTaB3dE5gH7jK", "key=#" },
    { WEFT_DETECT_GOOGLE_API_KEY, "AIzaSyA-aB3dE5gH7jK9mN1pQ3sTaB3dE5gH7j AIza" A36 A36, NULL },
    { WEFT_DETECT_OPENAI_KEY, "sk-proj-" A20 " sk-" A36 " sk-svcacct-" A20, "# # #" },
    { WEFT_DETECT_OPENAI_KEY, "sk-ant-api03-" A36 " task-" A36 " sk-short sk-abcdefghijklmnopqrstuvwxyz-abcdefghij",
      NULL },
    { WEFT_DETECT_ANTHROPIC_KEY, "x-api-key: sk-ant-api03-" A36 "-AA", "x-api-key: #" },
    { WEFT_DETECT_ANTHROPIC_KEY, "sk-ant-short sk-" A36, NULL },
    { WEFT_DETECT_RUNPOD_KEY, "rpa_V7KX9A2B3C4D5E6F7G8H9J0K1L2M3N4P5Q6R7S8T9abcd.", "#." },
    { WEFT_DETECT_RUNPOD_KEY, "rpa_" A20 " carpa_" A36, NULL },
    { WEFT_DETECT_INNGEST_KEY, "signkey-prod-0123456789abcdef0123456789abcdef, signkey-branch-0123456789abcdef",
      "#, #" },
    { WEFT_DETECT_INNGEST_KEY, "signkey-prod-0123456789abcde signkey-0123456789xyz-abcdefgh", NULL },
    { WEFT_DETECT_BEARER, "Authorization: Bearer abc.DEF-123~x==, bearer  " A20, "Authorization: Bearer #, bearer  #" },
    { WEFT_DETECT_BEARER, "bearer authentication-required, the bearer of news Bearer tok1 forbearer " A20, NULL },
    { WEFT_DETECT_BASIC_AUTH, "authorization: basic YW5uOnBhNTU=", "authorization: basic #" },
    { WEFT_DETECT_BASIC_AUTH, "Basic bm8gY29sb24= basic training Basic x", NULL },
    { WEFT_DETECT_URL_PASSWORD, "postgres://ann:p@ss:1@db:5432/x and http://a:b@c",
      "postgres://ann:#@db:5432/x and http://a:#@c" },
    { WEFT_DETECT_URL_PASSWORD, "http://host:80/a@b https://ann@host/ ://:@x mailto:a:b@c", NULL },
    { WEFT_DETECT_URL_PASSWORD, "redis://:pw@h", "redis://:#@h" },
    { WEFT_DETECT_PASSWORD_KV, "password=hunter2&x=1 DB_PASSWORD: 'a b' api-key=\"k k\";",
      "password=#&x=1 DB_PASSWORD: '#' api-key=\"#\";" },
    { WEFT_DETECT_PASSWORD_KV, "{\"clientSecret\":\"abc\",\"n\":1} {\\\"auth_token\\\": \\\"xyz\\\"} pwd => abc",
      "{\"clientSecret\":\"#\",\"n\":1} {\\\"auth_token\\\": \\\"#\\\"} pwd => #" },
    { WEFT_DETECT_PASSWORD_KV,
      "tokens: 512 password: null secret=**** token://x pass the salt: now passwords=abc token=\"\"", NULL },
    { WEFT_DETECT_PASSWORD_KV, "password: swordfish\nhis password: swordfish, my password: sw0rdfish a secret=word",
      "password: #\nhis password: swordfish, my password: # a secret=#" },
    { WEFT_DETECT_IPV4, "from 10.0.0.1:80, 255.255.255.255. http://192.168.1.1/", "from #:80, #. http://#/" },
    { WEFT_DETECT_IPV4, "1.2.3 256.1.1.1 1.2.3.4.5 v1.2.3.4 01.2.3.4 1.2.3.4a Chrome/120.0.0.0 1..2.3", NULL },
    { WEFT_DETECT_IPV4, "version 1.2.3.4, Version=\"1.2.3.4\" app_version: 1.2.3.4", NULL },
    { WEFT_DETECT_IPV4, "version, 1.2.3.4 conversions 1.2.3.4 version 1.2.3.4 of 1.2.3.5",
      "version, # conversions # version 1.2.3.4 of #" },
    { WEFT_DETECT_PASSWORD_KV, "Version=4.1.0.0, PublicKeyToken=b77a5c561934e089", NULL },
    { WEFT_DETECT_IPV6, "at [2001:db8::1]:80, fe80::1ff:fe23:4567:890a: refused ::1 1:2:3:4:5:6:7:8",
      "at [#]:80, #: refused # #" },
    { WEFT_DETECT_IPV6, "::ffff:10.0.0.1.", "#." },
    { WEFT_DETECT_IPV6, "k:2001:db8::1 face:2001:db8:0:0:0:0:0:1 node:fe80::1", "k:# face:# node:#" },
    { WEFT_DETECT_IPV6, "12:34:56 00:1b:44:11:3a:b7 std::vector Dead::Beef a::b::1 :: 1:2 g::1", NULL },
    { WEFT_DETECT_US_SSN, "ssn 123-45-6789, 123 45 6789", "ssn #, #" },
    { WEFT_DETECT_US_SSN,
      "000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 1123-45-6789 123-45-67890 a-123-45-6789", NULL },
    { WEFT_DETECT_PHONE, "call +49 30 1234567 or +1-202-555-0143.", "call # or #." },
    { WEFT_DETECT_PHONE, "(202) 555-0143, 202-555-0143, 030 1234567, 0171/1234567", "#, #, #, #" },
    { WEFT_DETECT_PHONE, "2026-11-29 +01234567890 1+234567890123 202-555-01434 1.202.555.0143 102-555-0143", NULL },
};

/* By a filter of its own, as it is and without vectors; and by one for all. */
static bool is_found(enum weft_detector_id id, struct weft_slice text)
{
    struct weft_detector_filter filter;
    weft_detector_filter_init(&filter, 1u << id);
    weft_detector_set found = weft_detectors_find(&filter, text);
    filter.has_vectors = false;
    ck_assert_uint_eq(weft_detectors_find(&filter, text), found);
    weft_detector_filter_init(&filter, (1u << WEFT_DETECTOR_COUNT) - 1);
    ck_assert_uint_eq(weft_detectors_find(&filter, text) & 1u << id, found);
    return found != 0;
}

START_TEST(test_rows)
{
    const struct row *row = &rows[_i];
    struct weft_slice text = weft_slice_of_text(row->text);
    struct weft_buffer out = { 0 };
    struct weft_found found;
    size_t at = 0;
    while (weft_detector_next(row->id, text, at, &found)) {
        ck_assert(found.start >= at && found.end > found.start && found.end <= text.length);
        weft_buffer_append(&out, text.bytes + at, found.start - at);
        weft_buffer_append_byte(&out, '#');
        at = found.end;
    }
    weft_buffer_append(&out, text.bytes + at, text.length - at);
    weft_buffer_append_byte(&out, 0);
    ck_assert_msg(strcmp((const char *)out.bytes, row->expected == NULL ? row->text : row->expected) == 0,
                  "%s:\n%s\n%s", weft_detector_name(row->id), row->text, (const char *)out.bytes);
    /* the pass before knows of each that finds something */
    ck_assert(is_found(row->id, text) == (row->expected != NULL));
    weft_buffer_fini(&out);
}
END_TEST

/* Wherever it lies in the blocks that are looked at. */
static void expect_at_each_place(enum weft_detector_id id, struct weft_slice alone)
{
    enum { MAX_PAD = 68 };
    for (size_t before = 0; before < MAX_PAD; before++) {
        char padded[512];
        int length = snprintf(padded, sizeof padded, "%*s%.*s%*s", (int)before, "", WEFT_SLICE_PRINT(alone),
                              (int)(before * 7 % 5), "");
        ck_assert_msg(is_found(id, weft_slice_of(padded, (size_t)length)), "%s", padded);
    }
}

/* What was found alone, with nothing around it, is no shorter and has no fewer signs than the pass before asks for. */
START_TEST(test_what_is_found_is_found_alone)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        struct weft_slice text = weft_slice_of_text(rows[i].text);
        struct weft_found found;
        struct weft_found again;
        for (size_t at = 0; weft_detector_next(rows[i].id, text, at, &found); at = found.end) {
            bool is_behind_a_word = rows[i].id == WEFT_DETECT_BEARER || rows[i].id == WEFT_DETECT_BASIC_AUTH ||
                                    rows[i].id == WEFT_DETECT_URL_PASSWORD || rows[i].id == WEFT_DETECT_PASSWORD_KV;
            struct weft_slice alone = weft_slice_of(text.bytes + found.start, found.end - found.start);
            if (is_behind_a_word) {
                continue;
            }
            ck_assert_msg(is_found(rows[i].id, alone), "%.*s", WEFT_SLICE_PRINT(alone));
            expect_at_each_place(rows[i].id, alone);
            ck_assert(weft_detector_next(rows[i].id, alone, 0, &again) && again.start == 0 &&
                      again.end == alone.length);
        }
    }
}
END_TEST

static uint32_t next_random(uint32_t limit)
{
    static uint64_t state = 20261129;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

enum { PAGE_BYTES = 4096 };

/* The end of a page behind which nothing can be read. */
static uint8_t *new_page_end(void)
{
    uint8_t *pages = mmap(NULL, 2 * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(pages != MAP_FAILED && mprotect(pages + PAGE_BYTES, PAGE_BYTES, PROT_NONE) == 0);
    return pages + PAGE_BYTES;
}

static void free_page_end(uint8_t *end)
{
    ck_assert(munmap(end - PAGE_BYTES, 2 * PAGE_BYTES) == 0);
}

/* As the value of an attribute, or in any other place, with other bytes around. Returns where the text begins. */
static size_t put_in_record(struct weft_buffer *record, struct weft_slice text)
{
    static const uint32_t fields[] = { WEFT_OTLP_VALUE_STRING, WEFT_OTLP_VALUE_BYTES, 2, 3, 5, 12, 31, 300 };
    uint8_t header[16];
    bool is_long = next_random(16) == 0; /* more than is looked at at once */
    for (uint32_t left = next_random(is_long ? 1300 : 150); left > 0; left--) {
        weft_buffer_append_byte(record, is_long ? '.' : (uint8_t)next_random(256));
    }
    uint8_t *end = weft_wire_put_bytes_header(header, fields[next_random(WEFT_COUNT_OF(fields))], text.length);
    weft_buffer_append(record, header, (size_t)(end - header));
    size_t start = record->length;
    weft_buffer_append(record, text.bytes, text.length);
    weft_buffer_append_text(record, next_random(2) == 0 ? "" : "J\x12");
    return start;
}

/* A text in which something is found makes the bytes around it suspect, and there. */
static void expect_suspected(const struct weft_detector_filter *filter, struct weft_slice bytes, size_t start,
                             size_t length, weft_detector_set found)
{
    struct weft_found where;
    bool may_find = weft_detectors_may_find(filter, bytes, &where);
    ck_assert(found == 0 || (may_find && where.start < start + length && where.end > start));
}

/* Whatever stands around: a detector that finds something is one that the pass before asks, with vectors and without,
 * for the text and for bytes that it lies in. */
START_TEST(test_the_pass_before_misses_nothing)
{
    static const char *const pieces[] = {
        "password",
        "PassWd",
        "pwd",
        "secret",
        "api-key",
        "token",
        "_",
        "-",
        ".",
        " ",
        "=",
        ":",
        "\"",
        "'",
        "\\",
        "@",
        "a",
        "x",
        "1",
        "4",
        "4111",
        "1111",
        "378282",
        "246310",
        "10005",
        "123",
        "45",
        "6789",
        "10.",
        "0.",
        "2001:db8::",
        "DE89",
        "37040044",
        "0532013000",
        "AKIA",
        "IOSFODNN7EXAMPLE",
        "ghp_",
        A36,
        "xoxb-",
        "12345678901",
        "sk_live_",
        "AIza",
        "sk-",
        "sk-ant-",
        "proj-",
        "rpa_",
        "signkey-",
        "0123456789abcdef",
        "Bearer ",
        "basic ",
        "YW5uOnBhNTU=",
        "://",
        "ann",
        "example",
        ".com",
        "\xc3\xa4",
        "+49 30 ",
        "1234567",
        "(202) ",
        "555-",
        "0143",
        JWT,
        PEM,
        "\n",
        "/",
        "4111111111111111",
        "123-45-6789",
        "4111-1111-1111-1111",
        "3782 822463 10005",
    };
    enum { TEXTS = 60000, MAX_PIECES = 9, ALL = (1u << WEFT_DETECTOR_COUNT) - 1 };
    struct weft_detector_filter filter;
    weft_detector_filter_init(&filter, ALL);
    struct weft_detector_filter plain = filter;
    plain.has_vectors = false;
    uint8_t *page_end = new_page_end();
    for (int n = 0; n < TEXTS; n++) {
        struct weft_buffer made = { 0 };
        for (uint32_t left = 1 + next_random(MAX_PIECES); left > 0; left--) {
            weft_buffer_append_text(&made, pieces[next_random(WEFT_COUNT_OF(pieces))]);
        }
        memcpy(page_end - made.length, made.bytes, made.length);
        struct weft_slice text = weft_slice_of(page_end - made.length, made.length);
        weft_detector_set found = 0;
        for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
            struct weft_found where;
            found |= weft_detector_next((enum weft_detector_id)id, text, 0, &where) ? 1u << id : 0;
        }
        ck_assert_msg(weft_detectors_find(&filter, text) == found, "%.*s", WEFT_SLICE_PRINT(text));
        ck_assert_msg(weft_detectors_find(&plain, text) == found, "%.*s", WEFT_SLICE_PRINT(text));
        struct weft_buffer record = { 0 };
        size_t start = put_in_record(&record, text);
        expect_suspected(&filter, weft_buffer_slice(&record), start, text.length, found);
        expect_suspected(&plain, weft_buffer_slice(&record), start, text.length, found);
        for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
            struct weft_detector_filter one;
            if (n % 100 == 0 && (found >> id & 1) != 0) {
                weft_detector_filter_init(&one, 1u << id);
                expect_suspected(&one, weft_buffer_slice(&record), start, text.length, found);
            }
        }
        weft_buffer_fini(&record);
        weft_buffer_fini(&made);
    }
    free_page_end(page_end);
}
END_TEST

/* Wherever it stands: also where 64 bytes that are looked at together end, and where 16 of these do. */
START_TEST(test_a_look_sees_what_stands_across_its_ends)
{
    static const char *const texts[] = { "4111111111111111",  "123-45-6789",     "4111-1111-1111-1111",
                                         "3782 822463 10005", "ann@example.com", "password=hunter2" };
    enum { ROOM = 1200, FIRST_END = 150, LAST_BEGIN = 1000 };
    uint8_t bytes[ROOM];
    struct weft_detector_filter filter;
    weft_detector_filter_init(&filter, (1u << WEFT_DETECTOR_COUNT) - 1);
    for (size_t n = 0; n < WEFT_COUNT_OF(texts); n++) {
        struct weft_slice text = weft_slice_of_text(texts[n]);
        weft_detector_set found = weft_detectors_find(&filter, text);
        ck_assert(found != 0);
        for (size_t start = 0; start < ROOM - text.length; start = start == FIRST_END ? LAST_BEGIN : start + 1) {
            memset(bytes, '.', sizeof bytes);
            memcpy(bytes + start, text.bytes, text.length);
            for (size_t behind = 0; behind < 2; behind++) {
                struct weft_slice all = weft_slice_of(bytes, start + text.length + behind);
                expect_suspected(&filter, all, start, text.length, found);
            }
        }
    }
}
END_TEST

/* Texts in which almost everything is almost found, or found again and again. None takes longer than its length says:
 * if it were by the square, this test would not come to its end. */
static const char *const repeated[] = {
    "-AIza",
    "-AIzaSyA-aB3dE5gH7jK9mN1pQ3sTaB3dE5gH7jK",
    "token=//",
    "token='//",
    "token=\"",
    "xoxb-1234567890 ",
    "-xoxb-1",
    "sk-",
    "-sk-ant-",
    "sk-proj-aaaaaaaaaaaaaaaaaaaa ",
    "-signkey-111111111111111111",
    "sk_live_1234567890 ",
    "-AKIA",
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY",
    "bearer =",
    "basic aaaaaaaaa ",
    "a://a:a@",
    "a://",
    "@a.",
    "a@",
    "1::",
    "1.2.3.",
    "4111-",
    "123-45-",
    "+1 2 3 4 5 6 7 8 ",
    "(",
    "DE89 ",
};

START_TEST(test_long_texts_take_time_by_their_length)
{
    enum { BYTES = 256 << 10 };
    struct weft_buffer text = { 0 };
    struct weft_detector_filter filter;
    weft_detector_filter_init(&filter, (1u << WEFT_DETECTOR_COUNT) - 1);
    while (text.length < BYTES) {
        weft_buffer_append_text(&text, repeated[_i]);
    }
    (void)weft_detectors_find(&filter, weft_buffer_slice(&text));
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        struct weft_found found = { 0, 0 };
        while (weft_detector_next((enum weft_detector_id)id, weft_buffer_slice(&text), found.end, &found)) {
        }
    }
    weft_buffer_fini(&text);
}
END_TEST

START_TEST(test_names_are_known)
{
    for (size_t i = 0; i < WEFT_DETECTOR_COUNT; i++) {
        ck_assert_uint_eq(weft_detector_of(weft_detector_name((enum weft_detector_id)i)), i);
        ck_assert(!is_found((enum weft_detector_id)i, WEFT_SLICE_EMPTY));
        ck_assert(!weft_detector_next((enum weft_detector_id)i, WEFT_SLICE_EMPTY, 0, &(struct weft_found){ 0 }));
    }
    ck_assert_uint_eq(weft_detector_of("mail"), WEFT_DETECTOR_COUNT);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_rows, 0, WEFT_COUNT_OF(rows));
    tcase_add_test(tests, test_what_is_found_is_found_alone);
    tcase_add_test(tests, test_the_pass_before_misses_nothing);
    tcase_add_test(tests, test_a_look_sees_what_stands_across_its_ends);
    tcase_add_loop_test(tests, test_long_texts_take_time_by_their_length, 0, WEFT_COUNT_OF(repeated));
    tcase_add_test(tests, test_names_are_known);
}

int main(void)
{
    return component_run("redaction detectors", add_tests);
}
