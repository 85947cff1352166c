/* redaction: each rule in each place, byte for byte. The cases up to "ours" say what the Collector's redactionprocessor
 * 0.158 does with the same config and input; generated ones were compared with it, and what was found is kept here. */
#include "redaction_test.h"

#include "processors/redaction_walk.h"

#define ALL   "allow_all_keys: true\n"
#define CARDS "blocked_values: ['4[0-9]{12}(?:[0-9]{3})?']\n"
#define CARD  "4111111111111111"
#define MASK  "****"

#define HASH(name) "hash_function: " name "\n"
#define KEY_32     "01234567890123456789012345678901"
#define CARD_MD5   "5910f4ea0062a0e29afd3dccc741e3ce"
#define CARD_SHA1  "68bfb396f35af3876fc509665b3dc23a0930aab1"
#define CARD_SHA3  "6099154214406cce6105a4688ab66533d3a55d1d7dd393cbccf22b487a22d922"
#define CARD_HMAC  "127c0f9959f4b3543c24f407cc46d4f0f45bb11419124812e935858a2a2d2cc7"
#define CARD_HMAC_2                                                    \
    "0abaf2700c977602069f9b52ede67814b50c63d7e90d4a688d4357a78954b1c5" \
    "012ab31d25ad5711d34822a67127dd0b3c7698fe20509999e5734e644158aece"
#define ANN_TOKEN "tok_182adc52589d4857ad949d04"
#define U_TOKEN   "tok_70a0127ab3967aadcf70bbef"
#define EMPTY_MD5 "d41d8cd98f00b204e9800998ecf8427e"
#define A_MD5     "0cc175b9c0f1b6a831c399e269772661"

#define ONE_SPAN(members) "{'resourceSpans':[{'scopeSpans':[{'spans':[{" members "}]}]}]}"
#define POINTS(kind, text)                                             \
    "{'" kind "':{'dataPoints':[{'attributes':[" TEXT("a", text) "]}," \
                                                                 "{'attributes':[" TEXT("b", text) "]}]}}"
#define METRICS(text)                                                                                             \
    "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[" POINTS("gauge", text) "," POINTS("sum", text) "," POINTS( \
        "histogram", text) "," POINTS("exponentialHistogram", text) "," POINTS("summary", text) "]}]}]}"

struct redaction_case {
    const char *config, *input, *expected; /* expected NULL: as it came */
};

static void check_case(const struct redaction_case *test)
{
    enum weft_signal signal = signal_of(test->input);
    component_begin(&weft_processor_redaction, test->config, signal);
    struct weft_buffer input = request_of(test->input);
    struct weft_buffer expected = request_of(test->expected == NULL ? test->input : test->expected);
    ck_assert(offer(signal, weft_buffer_slice(&input), NULL) == WEFT_OK);
    struct weft_slice last = weft_buffer_slice(&sink.last);
    if (!weft_slice_equal(last, weft_buffer_slice(&expected))) {
        struct weft_buffer text = { 0 };
        weft_buffer_append_json_escaped(&text, last);
        ck_abort_msg("%s\n%s\nbecame\n%.*s", test->config, test->input, WEFT_SLICE_PRINT(weft_buffer_slice(&text)));
    }
    weft_buffer_fini(&input);
    weft_buffer_fini(&expected);
    fixture_end();
}

static const struct redaction_case cases[] = {
    /* keys */
    { "{}", SPAN(TEXT("a", "x")), SPAN("") },
    { "allowed_keys: [a]",
      SPAN(TEXT("b", "x") "," TEXT("a", "x") "," TEXT("b", "y") "," TEXT("redaction.masked.keys", "b")),
      SPAN(TEXT("a", "x") "," TEXT("redaction.masked.keys", "b")) },
    { "allowed_keys: [a]", SPAN(TEXT("redaction.allowed.keys", "b")), SPAN("") },
    { "ignored_keys: [a]\n" CARDS, SPAN(TEXT("a", CARD)), NULL },
    { "ignored_key_patterns: ['^a']\n" CARDS, SPAN(TEXT("ab", CARD) "," TEXT("ba", CARD)), SPAN(TEXT("ab", CARD)) },
    { ALL "blocked_key_patterns: ['(?i)token']", SPAN(TEXT("API_TOKEN", "x") "," TEXT("b", "x")),
      SPAN(TEXT("API_TOKEN", MASK) "," TEXT("b", "x")) },
    { ALL "blocked_key_patterns: [token]", SPAN(TEXT("token", "a\\nb\\n")),
      SPAN(TEXT("token", MASK "\\n" MASK "\\n" MASK)) },
    { ALL "blocked_key_patterns: [token]", SPAN(ATTRIBUTE("token", INT("5"))), SPAN(TEXT("token", MASK)) },
    { ALL "blocked_key_patterns: [token]", SPAN(ATTRIBUTE("token", MAP(TEXT("a", "x")))), SPAN(TEXT("token", MASK)) },
    { ALL "blocked_key_patterns: [token]\nallowed_values: [^ok]", SPAN(TEXT("token", "ok x") "," TEXT("token", "x")),
      SPAN(TEXT("token", "ok x") "," TEXT("token", MASK)) },
    /* values */
    { ALL CARDS, SPAN(TEXT("a", "card " CARD ", " CARD "!")), SPAN(TEXT("a", "card " MASK ", " MASK "!")) },
    { ALL CARDS, SPAN(TEXT("a", CARD) "," TEXT("a", CARD)), SPAN(TEXT("a", MASK) "," TEXT("a", MASK)) },
    { ALL CARDS "allowed_values: [test]", SPAN(TEXT("a", "test " CARD)), NULL },
    { ALL "blocked_values: ['x*']", SPAN(TEXT("a", "ab") "," ATTRIBUTE("i", INT("7"))),
      SPAN(TEXT("a", MASK "a" MASK "b" MASK) "," TEXT("i", MASK)) },
    { ALL CARDS, SPAN(ATTRIBUTE("a", INT(CARD))), NULL },
    { ALL CARDS "redact_all_types: true", SPAN(ATTRIBUTE("a", INT(CARD)) "," ATTRIBUTE("b", INT("4"))),
      SPAN(TEXT("a", MASK) "," ATTRIBUTE("b", INT("4"))) },
    { ALL "redact_all_types: true\nblocked_values: ['^1e.21$', '^-0.5$', 'true', 'Zm9v']",
      SPAN(ATTRIBUTE("a", "{'doubleValue':1e21}") "," ATTRIBUTE("b", "{'doubleValue':-0.5}") "," ATTRIBUTE(
          "c", "{'boolValue':true}") "," ATTRIBUTE("d", "{'bytesValue':'Zm9v'}") "," ATTRIBUTE("e",
                                                                                               "{'doubleValue':1e20}")),
      SPAN(TEXT("a", MASK) "," TEXT("b", MASK) "," TEXT("c", MASK) "," TEXT("d", MASK) "," ATTRIBUTE(
          "e", "{'doubleValue':1e20}")) },
    { ALL "redact_all_types: true\nblocked_values: ['\"b\":1']",
      SPAN(ATTRIBUTE("m",
                     MAP(TEXT("c", "\\\\x") "," ATTRIBUTE("b", INT("1")) "," ATTRIBUTE("a", ARRAY(INT("2") ",{}"))))),
      SPAN(TEXT("m", "{\\\"a\\\":[2,null]," MASK ",\\\"c\\\":\\\"\\\\\\\\x\\\"}")) },
    { ALL "blocked_values: ['secret', '\\*-x']", SPAN(TEXT("a", "secret-x")), SPAN(TEXT("a", "*******")) },
    { ALL "redact_all_types: true\nblocked_values: ['^']",
      SPAN(ATTRIBUTE("m", ARRAY("{'bytesValue':''},{'bytesValue':'Zm9v'},{'doubleValue':1e21}"))),
      SPAN(TEXT("m", MASK "[null,\\\"Zm9v\\\",1e+21]")) },
    /* places */
    { ALL CARDS,
      "{'resourceSpans':[{'resource':{'attributes':[" TEXT(
          "a", CARD) "]},'scopeSpans':[{'scope':{'name':'" CARD
                     "','attributes':[" TEXT("a", CARD) "]},'spans':[{'name':'" CARD "','attributes':[" TEXT(
                         "a", CARD) "],'events':[{'name':'" CARD
                                    "','attributes':[" TEXT("a", CARD) "]},{'attributes':[" TEXT(
                                        "a",
                                        "x") "]}],'links':[{'attributes':[" TEXT("a",
                                                                                 CARD) "]}],'status':{'message':'" CARD
                                                                                       "'}}]}]}]}",
      "{'resourceSpans':[{'resource':{'attributes':[" TEXT(
          "a", MASK) "]},'scopeSpans':[{'scope':{'name':'" CARD
                     "','attributes':[" TEXT("a", MASK) "]},'spans':[{'name':'" CARD "','attributes':[" TEXT(
                         "a", MASK) "],'events':[{'name':'" CARD
                                    "','attributes':[" TEXT("a", MASK) "]},{'attributes':[" TEXT(
                                        "a",
                                        "x") "]}],'links':[{'attributes':[" TEXT("a",
                                                                                 CARD) "]}],'status':{'message':'" CARD
                                                                                       "'}}]}]}]}" },
    { ALL CARDS, METRICS(CARD), METRICS(MASK) },
    /* bodies */
    { ALL CARDS, LOG_BODY(STRING("a " CARD), TEXT("a", CARD)), LOG_BODY(STRING("a " MASK), TEXT("a", MASK)) },
    { ALL CARDS, LOG_BODY(INT(CARD), ""), LOG_BODY(STRING(MASK), "") },
    { "allowed_keys: [a]\n" CARDS,
      LOG_BODY(MAP(TEXT("b", "x") "," ATTRIBUTE("a", MAP(TEXT("b", "x") "," ATTRIBUTE("a", INT(CARD))))), ""),
      LOG_BODY(MAP(ATTRIBUTE("a", MAP(TEXT("a", MASK)))), "") },
    { ALL CARDS "blocked_key_patterns: [token]\nignored_keys: [i]\nallowed_values: [ok]\nsummary: debug",
      LOG_BODY(ARRAY(MAP(ATTRIBUTE("token", INT("1")) "," TEXT("i", CARD) "," ATTRIBUTE(
                   "c", ARRAY(STRING(CARD)))) "," STRING("ok")),
               ""),
      LOG_BODY(
          ARRAY(MAP(TEXT("token", MASK) "," TEXT("i", CARD) "," ATTRIBUTE("c", ARRAY(STRING(MASK)))) "," STRING("ok")),
          KEYS("body.masked", "[0].c.[0],[0].token") "," COUNT("body.masked", "2") "," KEYS(
              "body.allowed", "[1]") "," COUNT("body.allowed", "1") "," COUNT("body.ignored", "1")) },
    { ALL "blocked_key_patterns: [k2]\nsummary: debug", LOG_BODY(MAP(ATTRIBUTE("", MAP(TEXT("k2", "x")))), ""),
      LOG_BODY(MAP(ATTRIBUTE("", MAP(TEXT("k2", MASK)))), KEYS("body.masked", ".k2") "," COUNT("body.masked", "1")) },
    { ALL "allowed_values: [ok]\nsummary: debug", LOG_BODY(STRING("ok"), ""), NULL },
    { ALL CARDS "summary: debug", LOG_BODY(STRING(CARD), ""),
      LOG_BODY(STRING(MASK), KEYS("body.masked", "body") "," COUNT("body.masked", "1")) },
    { ALL "blocked_values: ['^$']", LOG(""), LOG_BODY(STRING(MASK), "") },
    { ALL "blocked_values: ['^$']", LOG_BODY(ARRAY("{}"), ""), LOG_BODY(ARRAY(STRING(MASK)), "") },
    /* summaries */
    { "allowed_keys: [a, c]\nignored_keys: [i]\nallowed_values: [ok]\nsummary: info\n" CARDS,
      SPAN(TEXT("a", CARD) "," TEXT("b", "x") "," TEXT("i", "x") "," TEXT("c", "ok")),
      SPAN(TEXT("a", MASK) "," TEXT("i", "x") "," TEXT("c", "ok") "," COUNT("redacted", "1") "," COUNT(
          "masked", "1") "," COUNT("allowed", "1") "," COUNT("ignored", "1")) },
    { ALL CARDS "summary: silent", SPAN(TEXT("a", CARD)), SPAN(TEXT("a", MASK)) },
    { ALL CARDS "summary: debug",
      SPAN(TEXT("b", CARD) "," KEYS("masked", "c,a") "," TEXT("a", CARD) "," COUNT("masked", "2")),
      SPAN(TEXT("b", MASK) "," KEYS("masked", "a,a,b,c") "," TEXT("a", MASK) "," COUNT("masked", "4")) },
    { ALL CARDS "summary: debug", SPAN(TEXT("a", CARD) "," TEXT("redaction.masked.count", "x")),
      SPAN(TEXT("a", MASK) "," COUNT("masked", "1") "," KEYS("masked", "a")) },
    /* hashes */
    { ALL CARDS HASH("md5"), SPAN(TEXT("a", "x " CARD " " CARD)), SPAN(TEXT("a", "x " CARD_MD5 " " CARD_MD5)) },
    { ALL CARDS HASH("SHA1") "summary: debug", SPAN(TEXT("a", CARD)),
      SPAN(TEXT("a", CARD_SHA1) "," KEYS("masked", "a") "," COUNT("masked", "1")) },
    { ALL CARDS HASH("sha3") "redact_all_types: true", SPAN(ATTRIBUTE("a", INT(CARD))), SPAN(TEXT("a", CARD_SHA3)) },
    { ALL CARDS HASH("hmac-sha256") "hmac_key: '" KEY_32 "'", LOG_BODY(STRING("x " CARD), ""),
      LOG_BODY(STRING("x " CARD_HMAC), "") },
    { ALL CARDS HASH("hmac-sha512") "hmac_key: '" KEY_32 KEY_32 "'", LOG(TEXT("a", CARD)),
      LOG(TEXT("a", CARD_HMAC_2)) },
    { ALL HASH("md5") "blocked_key_patterns: [token]",
      SPAN(TEXT("token", "a\\n\\na") "," ATTRIBUTE("token", INT("5")) "," TEXT("token", "")),
      SPAN(
          TEXT("token", A_MD5 "\\n" EMPTY_MD5 "\\n" A_MD5) "," TEXT("token", EMPTY_MD5) "," TEXT("token", EMPTY_MD5)) },
    { ALL HASH("md5") "blocked_values: ['a', '^.{32}$']", SPAN(TEXT("a", "a")),
      SPAN(TEXT("a", "d7afde3e7059cd0a0fe09eec4b0008cd")) },
    { ALL "hmac_key: short\n" CARDS, SPAN(TEXT("a", CARD)), SPAN(TEXT("a", MASK)) },
    /* ours: what lies in attributes */
    { ALL CARDS, LOG(ATTRIBUTE("a", MAP(ATTRIBUTE("b", ARRAY(STRING("x") "," MAP(TEXT("c", CARD))))))),
      LOG(ATTRIBUTE("a", MAP(ATTRIBUTE("b", ARRAY(STRING("x") "," MAP(TEXT("c", MASK))))))) },
    { "allowed_keys: [a]\nblocked_key_patterns: [token]\nignored_keys: [i]\nsummary: debug",
      LOG(ATTRIBUTE("a", MAP(TEXT("token", "x") "," TEXT("i", "x") "," TEXT("other", "x")))),
      LOG(ATTRIBUTE("a", MAP(TEXT("token", MASK) "," TEXT("i", "x") "," TEXT("other", "x"))) "," KEYS(
          "masked", "a.token") "," COUNT("masked", "1") "," COUNT("ignored", "1")) },
    { ALL CARDS, SPAN(ATTRIBUTE("a", ARRAY(STRING(CARD) "," INT(CARD)))),
      SPAN(ATTRIBUTE("a", ARRAY(STRING(MASK) "," INT(CARD)))) },
    { ALL CARDS "redact_all_types: true\nallowed_values: ['^never$']",
      SPAN(ATTRIBUTE("a", ARRAY("{'doubleValue':'NaN'}," STRING(CARD) "," INT(CARD)))),
      SPAN(ATTRIBUTE("a", ARRAY("{'doubleValue':'NaN'}," STRING(MASK) "," STRING(MASK)))) },
    /* ours: every string. The names of texts are told beside those of attributes, by the message around them. */
    { ALL CARDS "scope: all\nsummary: debug\nallowed_values: ['^ok ']",
      ONE_SPAN("'traceState':'a=" CARD "','name':'GET " CARD "','status':{'message':'ok " CARD "'}"),
      ONE_SPAN("'traceState':'a=" MASK "','name':'GET " MASK "','status':{'message':'ok " CARD "'},"
               "'attributes':[" KEYS("masked", "name,trace_state") "," COUNT("masked", "2") "]") },
    { ALL CARDS "scope: all\nsummary: debug",
      ONE_SPAN("'status':{'message':'" CARD "'},'events':[{'name':'" CARD "'}]"),
      ONE_SPAN("'status':{'message':'" MASK "'},"
               "'events':[{'name':'" MASK "','attributes':[" KEYS("masked", "name") "," COUNT(
                   "masked", "1") "]}],"
                                  "'attributes':[" KEYS("masked", "status.message") "," COUNT("masked", "1") "]") },
    { ALL CARDS "scope: all\nsummary: debug", ONE_SPAN("'links':[{'attributes':[" TEXT("b" CARD, "x") "]}]"),
      ONE_SPAN(
          "'links':[{'attributes':[" TEXT("b" MASK, "x") "," KEYS("masked", "b" MASK) "," COUNT("masked", "1") "]}]") },
    { ALL CARDS "scope: all",
      SPAN(TEXT("a" CARD, CARD) "," ATTRIBUTE("b", "{'bytesValue':'NDExMTExMTExMTExMTExMQ=='}")),
      SPAN(TEXT("a" MASK, MASK) "," ATTRIBUTE("b", "{'bytesValue':'KioqKg=='}")) },
    { "scope: all\nsummary: debug\n" CARDS, SPAN(TEXT("a" CARD, "x")),
      SPAN(KEYS("redacted", "a" MASK) "," COUNT("redacted", "1")) },
    { ALL CARDS "scope: all\nignored_keys: ['" CARD "']", SPAN(TEXT(CARD, CARD)), NULL },
    { ALL CARDS "scope: all\nblocked_key_patterns: ['^4']", SPAN(ATTRIBUTE("m", MAP(TEXT(CARD, "x")))),
      SPAN(ATTRIBUTE("m", MAP(TEXT(MASK, MASK)))) },
    /* ours: detectors, behind blocked_values, and nothing stays readable where they overlap */
    { ALL "detectors: [credit_card, email]", SPAN(TEXT("a", "x " CARD " ann@example.com 4111111111111112")),
      SPAN(TEXT("a", "x " MASK " " MASK " 4111111111111112")) },
    { ALL "detectors: [email]\nblocked_values: [example]", SPAN(TEXT("a", "to ann@example.com, an example")),
      SPAN(TEXT("a", "to " MASK ", an " MASK)) },
    { ALL "detectors: [email, url_password]", SPAN(TEXT("a", "ftp://ann:pw@example.com/ b")),
      SPAN(TEXT("a", "ftp://ann:" MASK "/ b")) },
    { ALL "detectors: [email, bearer]\nscope: all\nallowed_values: ['@example.com$']\n" HASH("md5"),
      ONE_SPAN("'name':'Bearer a1b2c3d4e5','attributes':[" TEXT("x@y.de", "ann@example.com") "]"),
      ONE_SPAN("'name':'Bearer cb3bae31bb1c443fbf3db8889055f2fe','attributes':[" TEXT(
          "d648d84052310ef1770d53ab3a902fa0", "ann@example.com") "]") },
    { ALL "detectors: [credit_card]", LOG_BODY(INT(CARD), TEXT("a", "x")), LOG_BODY(STRING(MASK), TEXT("a", "x")) },
    { ALL "detectors: [credit_card]", LOG_BODY(MAP(ATTRIBUTE("b", INT(CARD))), ""),
      LOG_BODY(MAP(TEXT("b", MASK)), "") },
    { ALL "detectors: [credit_card]", LOG_BODY(STRING("x"), ATTRIBUTE("a", INT(CARD))), NULL },
    { ALL "detectors: [ipv4]", LOG_BODY(MAP(TEXT("a", "10.0.0.1")), ""), LOG_BODY(MAP(TEXT("a", MASK)), "") },
    /* ours: rules with replacements of their own */
    { ALL "rules: [{pattern: 'order-[0-9]+', mask: '<order>'}, {detector: email, mask: '<mail>'}]",
      SPAN(TEXT("a", "order-17 of ann@example.com") "," TEXT("b", "order-x") "," TEXT("c", "a@b.de")),
      SPAN(TEXT("a", "<order> of <mail>") "," TEXT("b", "order-x") "," TEXT("c", "<mail>")) },
    { ALL "rules: [{detector: email, tokenize: true}, {pattern: 'u-[0-9]', tokenize: true}]\ntoken_key: '" KEY_32 "'",
      SPAN(TEXT("a", "ann@example.com, ann@example.com") "," TEXT("b", "u-1 ann@example.com")),
      SPAN(TEXT("a", ANN_TOKEN ", " ANN_TOKEN) "," TEXT("b", U_TOKEN " " ANN_TOKEN)) },
    { ALL "blocked_values: [ann]\nrules: [{detector: ipv4, mask: ''}]\ndetectors: [ipv4, phone]\n" HASH("md5"),
      SPAN(TEXT("a", "at 10.0.0.1 or +49 30 1234567") "," TEXT("b", "x")),
      SPAN(TEXT("a", "at  or 59abb17a5d4e641e8dac5ef26e58d3b5") "," TEXT("b", "x")) },
    { ALL "rules: [{pattern: '[0-9]{4}', mask: N}, {pattern: '[0-9]{4}-secret', mask: S}]",
      SPAN(TEXT("a", "1234-secret")), SPAN(TEXT("a", MASK)) },
    { ALL "scope: all\nallowed_values: [ok]\nrules: [{pattern: a, mask: b}]", ONE_SPAN("'name':'a ok'"), NULL },
    /* ours: no order of rules hides a match; in the Collector the first two leave "-secret" and "bar" */
    { ALL "blocked_values: ['[0-9]{4}', '[0-9]{4}-secret']", SPAN(TEXT("a", "1234-secret")), SPAN(TEXT("a", MASK)) },
    { ALL "blocked_values: ['foo$|^foo', '\\bfoobar']", SPAN(TEXT("a", "a foobar foo b") "," TEXT("b", "foobar x")),
      SPAN(TEXT("a", "a " MASK " foo b") "," TEXT("b", MASK " x")) },
    { ALL "blocked_values: ['[0-9]{4}-secret', '[0-9]{4}']", SPAN(TEXT("a", "1234-secret")), SPAN(TEXT("a", MASK)) },
    { ALL HASH("md5") "blocked_values: ['[0-9]{4}', '[0-9]{4}-secret']", SPAN(TEXT("a", "1234-secret")),
      SPAN(TEXT("a", "4e7dd1c68c084230b8dba5d6b5eaaea3")) },
};

START_TEST(test_cases)
{
    check_case(&cases[_i]);
}
END_TEST

START_TEST(test_config_errors_name_place_pattern_and_offset)
{
    const struct weft_component *component = &weft_processor_redaction;
    component_expect_refused(component, "allow_all_keys: true\nblocked_values: ['a', 'b(c']", WEFT_INVALID,
                             "blocked_values[1]: 'b(c': regular expression: offset 1: ");
    component_expect_refused(component, "blocked_values: ['b(c']", WEFT_INVALID, "offset");
    component_expect_refused(component, "ignored_key_patterns: ['[z-a]']", WEFT_INVALID, "ignored_key_patterns[0]");
    component_expect_refused(component, "blocked_key_patterns: ['*']", WEFT_INVALID, "blocked_key_patterns[0]");
    component_expect_refused(component, "allowed_values: ['a**']", WEFT_INVALID, "allowed_values[0]");
    component_expect_refused(component, "summary: loud", WEFT_INVALID, "summary");
    component_expect_refused(component, "rules: [{mask: a}]", WEFT_INVALID, "rules[0]: needs either pattern or det");
    component_expect_refused(component, "rules: [{pattern: a, detector: email, mask: a}]", WEFT_INVALID, "rules[0]");
    component_expect_refused(component, "rules: [{pattern: a, mask: b}, {pattern: a}]", WEFT_INVALID,
                             "rules[1]: needs either mask or tokenize");
    component_expect_refused(component, "rules: [{pattern: a, mask: a, tokenize: true}]", WEFT_INVALID, "rules[0]");
    component_expect_refused(component, "rules: [{pattern: 'a(', mask: a}]", WEFT_INVALID, "rules[0]: 'a(': ");
    component_expect_refused(component, "rules: [{detector: mail, mask: a}]", WEFT_INVALID, "is called mail");
    component_expect_refused(component, "rules: [{pattern: a, tokenize: true}]\ntoken_key: short", WEFT_INVALID,
                             "token_key: tokenize needs at least 32 bytes, this one has 5");
    component_expect_refused(component, "detectors: [email, mail]", WEFT_INVALID,
                             "detectors: no detector is called mail; there are email, credit_card, ");
    component_expect_refused(component, "hash_function: sha2", WEFT_INVALID, "hash_function");
    component_expect_refused(component, HASH("hmac-sha256"), WEFT_INVALID, "hmac_key: hmac-sha256 needs at least 32");
    component_expect_refused(component, HASH("hmac-sha512") "hmac_key: '" KEY_32 "'", WEFT_INVALID,
                             "needs at least 64 bytes, this one has 32");
    component_expect_refused(component, "url_sanitizer: {enable: true}", WEFT_INVALID, "enabled");
    component_expect_refused(component, "db_sanitizer: {mysql: {}}", WEFT_INVALID, "sql");
    component_expect_refused(component, "blocked_value: [a]", WEFT_INVALID, "blocked_values");
}
END_TEST

/* 4 in a value that no pattern can be matched against to the end: all of it is hidden, and counted. */
START_TEST(test_a_pattern_at_its_limits_hides_the_value)
{
    static char text[3000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 2] = 'b';
    component_begin(&weft_processor_redaction, ALL "blocked_values: ['(a|aa)+$']", WEFT_TRACES);
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    put_string_attribute(&record, 9, "a", text);
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert(!contains(weft_buffer_slice(&sink.last), "aaa"));
    ck_assert(contains(weft_buffer_slice(&sink.last), MASK));
    struct weft_samples samples;
    weft_samples_init(&samples);
    weft_processor_redaction.collect(fixture.consumer, &samples);
    ck_assert_str_eq(samples.items[2].name, "weft_redaction_limits_met");
    ck_assert_int_eq((int)samples.items[2].value, 1);
    ck_assert_int_eq((int)samples.items[0].value, 1);
    weft_samples_fini(&samples);
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

static uint64_t masks_of(size_t finds, struct weft_buffer *out)
{
    struct weft_redaction_config config = { .allow_all_keys = true,
                                            .detectors = { .items = (char *[]){ "ipv4" }, .count = 1 } };
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    struct weft_slice masked;
    ck_assert(weft_redaction_rules_new(&config, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
    for (size_t i = 0; i < finds; i++) {
        weft_buffer_append_text(out, "1.1.1.1 ");
    }
    ck_assert(weft_redaction_mask(&matcher, weft_buffer_slice(out), &masked));
    weft_buffer_clear(out);
    weft_buffer_append(out, masked.bytes, masked.length);
    uint64_t limits = matcher.limit_count;
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
    return limits;
}

START_TEST(test_of_very_many_finds_in_a_value_all_of_it_is_hidden)
{
    struct weft_buffer out = { 0 };
    ck_assert_uint_eq(masks_of(4096, &out), 0);
    ck_assert_uint_eq(out.length, 4096 * strlen(MASK " "));
    weft_buffer_clear(&out);
    ck_assert_uint_eq(masks_of(4097, &out), 1);
    ck_assert(weft_slice_equal(weft_buffer_slice(&out), WEFT_SLICE_LITERAL(MASK)));
    weft_buffer_fini(&out);
}
END_TEST

/* A value in several members and pieces: the last counts, but all of them would leave. */
START_TEST(test_bytes_that_do_not_count_are_masked_too)
{
    component_begin(&weft_processor_redaction, ALL CARDS, WEFT_TRACES);
    struct weft_buffer any = { 0 };
    struct weft_buffer key_value = { 0 };
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    put_field(&any, 1, WEFT_SLICE_LITERAL(CARD));
    weft_buffer_append(&any, "\x18\x05", 2);
    put_field(&key_value, 2, weft_buffer_slice(&any));
    put_field(&key_value, 1, WEFT_SLICE_LITERAL("a"));
    put_message(&key_value, 2, &any);
    put_field(&key_value, 15, WEFT_SLICE_LITERAL("kept"));
    put_message(&record, 9, &key_value);
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert(!contains(weft_buffer_slice(&sink.last), CARD));
    ck_assert(contains(weft_buffer_slice(&sink.last), "kept"));
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* "rule=values/limits " for each rule that there is. */
static void expect_rules(const char *expected)
{
    struct weft_samples samples;
    struct weft_buffer text = { 0 };
    weft_samples_init(&samples);
    weft_processor_redaction.collect(fixture.consumer, &samples);
    for (size_t i = 0; i + 1 < samples.count; i++) {
        if (strcmp(samples.items[i].name, "weft_redaction_rule_values") == 0) {
            ck_assert_str_eq(samples.items[i + 1].name, "weft_redaction_rule_limits");
            ck_assert_str_eq(samples.items[i].labels[2].name, "rule");
            weft_buffer_append_format(&text, "%s=%.0f/%.0f ", samples.items[i].labels[2].value, samples.items[i].value,
                                      samples.items[i + 1].value);
        }
    }
    weft_buffer_append_byte(&text, 0);
    ck_assert_str_eq((const char *)text.bytes, expected);
    weft_samples_fini(&samples);
    weft_buffer_fini(&text);
}

START_TEST(test_rules_count_the_values_in_which_they_found_something)
{
    static const char *const counts = "blocked_values[0]=0/0 rules[0]=0/0 rules[1]=2/0 detector email=2/0 "
                                      "detector ipv4=1/0 url_sanitizer=1/0 blocked_key_patterns=1/0 decode=0/0 ";
    component_begin(&weft_processor_redaction,
                    ALL CARDS
                    "detectors: [email, ipv4]\nrules: [{pattern: x-, mask: y}, {detector: email, mask: z}]\n"
                    "blocked_key_patterns: [token]\nscope: all\nurl_sanitizer: {enabled: true, attributes: [u]}",
                    WEFT_TRACES);
    struct weft_buffer request = request_of(
        SPAN(TEXT("a", "a@b.de c@d.de") "," TEXT("b", "e@f.de 1.2.3.4") "," TEXT("token", "x-") "," TEXT("u", "/a/1")));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    expect_rules(counts);
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    sink.answer = WEFT_CLOSED; /* it comes again, and is counted then */
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_CLOSED);
    expect_rules(counts);
    weft_batch_end(&batch, &error, -1);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

START_TEST(test_the_rule_that_met_its_limits_is_counted)
{
    static char text[3000];
    static char encoded[20000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 2] = 'b';
    for (size_t i = 0; i + 1 < sizeof encoded; i++) {
        encoded[i] = "QUFB"[i % 4];
    }
    component_begin(&weft_processor_redaction,
                    ALL "blocked_values: [x, '(a|aa)+$']\ndetectors: [ipv4]\ndecode: base64\n"
                        "blocked_key_patterns: ['(c|cc)+$']",
                    WEFT_TRACES);
    struct weft_buffer record = { 0 };
    struct weft_buffer request = { 0 };
    put_string_attribute(&record, 9, "a", text);
    put_string_attribute(&record, 9, "a", encoded);
    memset(text, 'c', sizeof text - 2);
    put_string_attribute(&record, 9, text, "x");
    put_request(&request, weft_buffer_slice(&record));
    ck_assert(offer(WEFT_TRACES, weft_buffer_slice(&request), NULL) == WEFT_OK);
    expect_rules("blocked_values[0]=0/0 blocked_values[1]=0/1 detector ipv4=0/0 blocked_key_patterns=1/1 decode=0/1 ");
    weft_buffer_fini(&record);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

START_TEST(test_what_the_next_node_refuses_goes_back_as_it_came)
{
    component_begin(&weft_processor_redaction, ALL CARDS, WEFT_TRACES);
    struct weft_buffer request = request_of(SPAN(TEXT("a", CARD)));
    struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
    struct weft_error error = WEFT_ERROR_NONE;
    sink.answer = WEFT_CLOSED;
    ck_assert(weft_consumer_consume(fixture.consumer, &batch, &error) == WEFT_CLOSED);
    struct weft_buffer left = { 0 };
    append_batch(batch, &left);
    ck_assert(weft_slice_equal(weft_buffer_slice(&left), weft_buffer_slice(&request)));
    struct weft_samples samples;
    weft_samples_init(&samples);
    weft_processor_redaction.collect(fixture.consumer, &samples);
    ck_assert_int_eq((int)samples.items[0].value, 0);
    weft_samples_fini(&samples);
    weft_batch_end(&batch, &error, -1);
    weft_buffer_fini(&left);
    weft_buffer_fini(&request);
    fixture_end();
}
END_TEST

/* Memory that runs out at any point: either nothing was changed, and it is said, or the card is hidden. */
START_TEST(test_each_allocation_failing_leaves_no_secret)
{
    static const char *const config = ALL CARDS HASH(
        "sha1") "rules: [{detector: ipv4, tokenize: true}]\ntoken_key: '" KEY_32
                "'\nscope: all\nredact_all_types: true\nsummary: debug\nblocked_key_patterns: [token, key]";
    static const char *const input = SPAN(TEXT("a", "x\\\\n " CARD) "," TEXT("token", CARD) "," ATTRIBUTE(
        "m", MAP(ATTRIBUTE("b", ARRAY(STRING(CARD) "," INT(CARD))) "," TEXT("long key to be named " CARD, CARD))));
    size_t failures = 0;
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        component_begin(&weft_processor_redaction, config, WEFT_TRACES);
        struct weft_buffer request = request_of(input);
        struct weft_otlp_walk walk = weft_otlp_walk_of(weft_buffer_slice(&request));
        struct weft_slice record;
        ck_assert(weft_otlp_walk_next(&walk, &record));
        struct weft_slice result = record;
        struct weft_arena *arena = weft_arena_try_new();
        struct weft_redactor redactor;
        weft_alloc_fail_at(n);
        enum weft_status status = weft_redactor_init(&redactor, fixture.shared, NULL);
        if (status == WEFT_OK) {
            status = weft_redactor_apply(&redactor, WEFT_TRACES, WEFT_REDACTION_RECORD, arena, &result);
        }
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        failures += has_failed;
        ck_assert(has_failed || status == WEFT_OK);
        ck_assert(status == WEFT_OK ? !contains(result, CARD) : weft_slice_equal(result, record));
        weft_redactor_fini(&redactor);
        weft_arena_unref(&arena);
        weft_buffer_fini(&request);
        fixture_end();
    }
    ck_assert_uint_gt(failures, 10);
}
END_TEST

START_TEST(test_each_allocation_failing_in_turn_gives_the_batch_back)
{
    bool has_failed = true;
    for (size_t n = 1; has_failed; n++) {
        component_begin(&weft_processor_redaction, ALL CARDS, WEFT_TRACES);
        struct weft_buffer request = request_of(SPAN(TEXT("a", CARD)));
        struct weft_batch *batch = batch_of(WEFT_TRACES, weft_buffer_slice(&request), NULL);
        struct weft_error error = WEFT_ERROR_NONE;
        sink.answer = WEFT_INVALID;
        weft_alloc_fail_at(n);
        enum weft_status status = weft_consumer_consume(fixture.consumer, &batch, &error);
        has_failed = weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert(status == WEFT_INVALID || (has_failed && status == WEFT_NOMEM));
        struct weft_buffer left = { 0 };
        append_batch(batch, &left);
        ck_assert(weft_slice_equal(weft_buffer_slice(&left), weft_buffer_slice(&request)));
        weft_buffer_fini(&left);
        weft_batch_end(&batch, &error, -1);
        weft_buffer_fini(&request);
        fixture_end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_cases, 0, WEFT_COUNT_OF(cases));
    tcase_add_test(tests, test_config_errors_name_place_pattern_and_offset);
    tcase_add_test(tests, test_a_pattern_at_its_limits_hides_the_value);
    tcase_add_test(tests, test_of_very_many_finds_in_a_value_all_of_it_is_hidden);
    tcase_add_test(tests, test_bytes_that_do_not_count_are_masked_too);
    tcase_add_test(tests, test_rules_count_the_values_in_which_they_found_something);
    tcase_add_test(tests, test_the_rule_that_met_its_limits_is_counted);
    tcase_add_test(tests, test_what_the_next_node_refuses_goes_back_as_it_came);
    tcase_add_test(tests, test_each_allocation_failing_leaves_no_secret);
    tcase_add_test(tests, test_each_allocation_failing_in_turn_gives_the_batch_back);
}

int main(void)
{
    return component_run("processor redaction", add_tests);
}
