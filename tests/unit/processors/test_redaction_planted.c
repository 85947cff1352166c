/* 10,000 secrets, of each kind that a detector knows, a request each, in every place that a record has, as they are,
 * percent-encoded or in base64: with scope `all` none of them leaves. */
#include "redaction_model.h"

#include "processors/redaction_rules.h"

enum { SECRETS = 10000, MAX_TEXT = 512, BEGINNINGS = 3 };

#define HEX      "0123456789abcdef"
#define DIGITS   "0123456789"
#define SMALL    "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM    DIGITS SMALL CAPITALS

static uint64_t state = 20261129;

static uint32_t next_random(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % limit;
}

/* Random bytes of an alphabet; several are good at once. */
static const char *some(const char *alphabet, size_t count)
{
    enum { TEXTS = 8, MAX_BYTES = 128 };
    static char texts[TEXTS][MAX_BYTES + 1];
    static size_t next;
    char *text = texts[next++ % TEXTS];
    for (size_t i = 0; i < count; i++) {
        text[i] = alphabet[next_random((uint32_t)strlen(alphabet))];
    }
    text[count] = 0;
    return text;
}

/* ---- forms ---- */

enum form { PLAIN, PERCENT, BASE64, BASE64_URL, FORMS };

/* Each character but letters and digits, and some of those. */
static void put_percent(const char *text, struct weft_buffer *out)
{
    for (; *text != 0; text++) {
        bool is_plain = strchr(ALNUM, *text) != NULL && next_random(8) > 0;
        weft_buffer_append_format(out, is_plain ? "%c" : next_random(2) == 0 ? "%%%02x" : "%%%02X", (uint8_t)*text);
    }
}

static void put_base64(const char *text, enum form form, struct weft_buffer *out)
{
    const char *digits = form == BASE64 ? CAPITALS SMALL DIGITS "+/" : CAPITALS SMALL DIGITS "-_";
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = 0;
        for (size_t n = 0; n < 3; n++) {
            bits = bits << 8 | (i + n < length ? (uint8_t)text[i + n] : 0);
        }
        for (size_t n = 0; n < 4; n++) {
            bool is_digit = i + n <= length;
            weft_buffer_append_byte(out, is_digit ? (uint8_t)digits[bits >> (18 - 6 * n) & 63] : '=');
        }
    }
}

static bool has_forms; /* other than plain */

/* Appends the text in a form; base64 of less than a run's 16 characters is not looked at. */
static enum form put_form(const char *text, struct weft_buffer *out)
{
    enum { MIN_TEXT = 12 };
    uint32_t forms = !has_forms ? 1 : strlen(text) < MIN_TEXT ? BASE64 : FORMS;
    enum form form = (enum form)next_random(forms); /* plain is the first */
    switch (form) {
    case PLAIN:
        weft_buffer_append_text(out, text);
        break;
    case PERCENT:
        put_percent(text, out);
        break;
    case BASE64:
    case BASE64_URL:
        put_base64(text, form, out);
        break;
    case FORMS:
        break;
    }
    return form;
}

/* ---- secrets ---- */

/* A secret, and what stands before it where only that tells. */
static char secret[MAX_TEXT];
static const char *before;

#define SECRET(...) snprintf(secret, sizeof secret, __VA_ARGS__)

static void put_card(void)
{
    unsigned sum = 0;
    SECRET("4%s", some(DIGITS, 14));
    for (size_t i = 0; i < 15; i++) {
        unsigned digit = (unsigned)(secret[i] - '0');
        unsigned twice = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
        sum += i % 2 == 0 ? twice : digit;
    }
    secret[15] = (char)('0' + (10 - sum % 10) % 10);
    secret[16] = 0;
}

static void put_iban(void)
{
    const char *account = some(DIGITS, 18);
    unsigned rest = 0;
    for (size_t i = 0; account[i] != 0; i++) {
        rest = (rest * 10 + (unsigned)(account[i] - '0')) % 97;
    }
    for (const char *country = "131400"; *country != 0; country++) { /* DE00 */
        rest = (rest * 10 + (unsigned)(*country - '0')) % 97;
    }
    SECRET("DE%02u%s", 98 - rest, account);
}

static void put_basic(void)
{
    char plain[13];
    snprintf(plain, sizeof plain, "%s:%s", some(SMALL, 4), some(ALNUM, 7));
    struct weft_buffer out = { 0 };
    put_base64(plain, BASE64, &out);
    SECRET("%.*s", WEFT_SLICE_PRINT(weft_buffer_slice(&out)));
    weft_buffer_fini(&out);
    before = "Basic ";
}

static void put_secret(enum weft_detector_id id)
{
    static const char *const slack[] = { "xoxb", "xoxp", "xapp", "xoxe" };
    static const char *const github[] = { "ghp_", "gho_", "ghs_", "github_pat_" };
    before = "";
    switch (id) {
    case WEFT_DETECT_EMAIL:
        SECRET("%s.%s@%s.example.com", some(SMALL, 5), some(SMALL DIGITS, 6), some(SMALL, 4));
        break;
    case WEFT_DETECT_CREDIT_CARD:
        put_card();
        break;
    case WEFT_DETECT_IBAN:
        put_iban();
        break;
    case WEFT_DETECT_JWT:
        SECRET("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ%s.%s", some(ALNUM, 30), some(ALNUM "-_", 43));
        break;
    case WEFT_DETECT_PEM:
        SECRET("-----BEGIN PRIVATE KEY-----\\n%s\\n-----END PRIVATE KEY-----", some(ALNUM "+/", 64));
        break;
    case WEFT_DETECT_AWS_KEY:
        SECRET("AKIA%s", some(CAPITALS "234567", 16));
        break;
    case WEFT_DETECT_GITHUB_TOKEN:
        SECRET("%s%s", github[next_random(4)], some(ALNUM, 36));
        break;
    case WEFT_DETECT_SLACK_TOKEN:
        SECRET("%s-%s-%s", slack[next_random(4)], some(DIGITS, 11), some(ALNUM, 24));
        break;
    case WEFT_DETECT_STRIPE_KEY:
        SECRET("sk_live_%s", some(ALNUM, 24));
        break;
    case WEFT_DETECT_GOOGLE_API_KEY:
        SECRET("AIza%s", some(ALNUM "-_", 35));
        break;
    case WEFT_DETECT_OPENAI_KEY:
        SECRET("sk-proj-%s", some(ALNUM "-_", 48));
        break;
    case WEFT_DETECT_ANTHROPIC_KEY:
        SECRET("sk-ant-api03-%s", some(ALNUM "-_", 64));
        break;
    case WEFT_DETECT_RUNPOD_KEY:
        SECRET("rpa_%s1", some(CAPITALS DIGITS, 41));
        break;
    case WEFT_DETECT_INNGEST_KEY:
        SECRET("signkey-prod-%s", some(HEX, 64));
        break;
    case WEFT_DETECT_BEARER:
        SECRET("%s7", some(ALNUM "-._~+", 31));
        before = "Authorization: Bearer ";
        break;
    case WEFT_DETECT_BASIC_AUTH:
        put_basic();
        break;
    case WEFT_DETECT_URL_PASSWORD:
        SECRET("%s", some(ALNUM "!$*:.", 12));
        before = "postgres://ann:";
        break;
    case WEFT_DETECT_PASSWORD_KV:
        SECRET("%s", some(ALNUM "!$*:.", 12));
        before = "DB_PASSWORD=";
        break;
    case WEFT_DETECT_IPV4:
        SECRET("%u.%u.%u.%u", 1 + next_random(255), next_random(256), next_random(256), 1 + next_random(255));
        break;
    case WEFT_DETECT_IPV6:
        SECRET("2001:db8:%s::%s", some(HEX, 4), some(HEX, 4));
        break;
    case WEFT_DETECT_US_SSN:
        SECRET("%03u-%02u-%04u", 100 + next_random(500), 1 + next_random(99), 1 + next_random(9999));
        break;
    case WEFT_DETECT_PHONE:
        SECRET("+49 30 %s", some(DIGITS, 8));
        break;
    case WEFT_DETECTOR_COUNT:
        break;
    }
}

/* ---- places ---- */

#define HERE "\x01" /* the text around a secret */

#define RESOURCE_SPANS(members) "{'resourceSpans':[{" members "}]}"
#define ONE_SPAN(members)       RESOURCE_SPANS("'scopeSpans':[{'spans':[{" members "}]}]")
#define ONE_LOG(members)        "{'resourceLogs':[{'scopeLogs':[{'logRecords':[{" members "}]}]}]}"
#define ONE_METRIC(members)     "{'resourceMetrics':[{'scopeMetrics':[{'metrics':[{" members "}]}]}]}"
#define EXEMPLAR                "{'dataPoints':[{'exemplars':[{'filteredAttributes':[" TEXT("a", HERE) "]}]}]}"
#define POINT                   "{'dataPoints':[{'attributes':[" TEXT("a", HERE) "]}]}"

static const char *const places[] = {
    RESOURCE_SPANS("'resource':{'attributes':[" TEXT("service.name", HERE) "]},'scopeSpans':[{'spans':[{}]}]"),
    RESOURCE_SPANS("'schemaUrl':'" HERE "','scopeSpans':[{'spans':[{}]}]"),
    RESOURCE_SPANS("'scopeSpans':[{'scope':{'name':'" HERE "'},'spans':[{}]}]"),
    RESOURCE_SPANS("'scopeSpans':[{'scope':{'version':'" HERE "'},'spans':[{}]}]"),
    RESOURCE_SPANS("'scopeSpans':[{'scope':{'attributes':[" TEXT("a", HERE) "]},'spans':[{}]}]"),
    RESOURCE_SPANS("'scopeSpans':[{'schemaUrl':'" HERE "','spans':[{}]}]"),
    ONE_SPAN("'name':'" HERE "'"),
    ONE_SPAN("'traceState':'" HERE "'"),
    ONE_SPAN("'status':{'message':'" HERE "'}"),
    ONE_SPAN("'attributes':[" TEXT("gen_ai.prompt", HERE) "]"),
    ONE_SPAN("'attributes':[" TEXT(HERE, "x") "]"),
    ONE_SPAN("'attributes':[" ATTRIBUTE("a", ARRAY(STRING("x") "," MAP(ATTRIBUTE("b", ARRAY(STRING(HERE)))))) "]"),
    ONE_SPAN("'attributes':[" ATTRIBUTE("a", MAP(ATTRIBUTE(HERE, INT("1")))) "]"),
    ONE_SPAN("'events':[{'name':'" HERE "'}]"),
    ONE_SPAN("'events':[{'attributes':[" TEXT("exception.message", HERE) "]}]"),
    ONE_SPAN("'links':[{'attributes':[" TEXT("a", HERE) "]}]"),
    ONE_SPAN("'links':[{'traceState':'" HERE "'}]"),
    ONE_LOG("'body':" STRING(HERE)),
    ONE_LOG("'body':" STRING("{\\\"message\\\":\\\"" HERE "\\\",\\\"n\\\":[1]}")), /* JSON in a string */
    ONE_LOG("'body':" MAP(ATTRIBUTE("a", MAP(TEXT("b", HERE))))),
    ONE_LOG("'severityText':'" HERE "'"),
    ONE_LOG("'eventName':'" HERE "'"),
    ONE_LOG("'attributes':[" TEXT("a", HERE) "]"),
    ONE_METRIC("'name':'" HERE "'"),
    ONE_METRIC("'description':'" HERE "'"),
    ONE_METRIC("'unit':'" HERE "'"),
    ONE_METRIC("'metadata':[" TEXT("a", HERE) "]"),
    ONE_METRIC("'gauge':" POINT),
    ONE_METRIC("'sum':" POINT),
    ONE_METRIC("'histogram':" POINT),
    ONE_METRIC("'exponentialHistogram':" POINT),
    ONE_METRIC("'summary':" POINT),
    ONE_METRIC("'sum':" EXEMPLAR),
    ONE_METRIC("'histogram':" EXEMPLAR),
    ONE_METRIC("'exponentialHistogram':" EXEMPLAR),
};

/* What is to be looked for: the secret, or all that it is encoded with. */
static char sought[3 * MAX_TEXT + 1];

static void seek(enum form form, struct weft_slice planted)
{
    const char *plain = strncmp(secret, "-----", 5) == 0 ? strchr(secret, '\\') + 2 : secret;
    if (form == PLAIN) {
        snprintf(sought, sizeof sought, "%.*s", (int)strcspn(plain, "\\"), plain);
    } else {
        snprintf(sought, sizeof sought, "%.*s", WEFT_SLICE_PRINT(planted));
        sought[strcspn(sought, "=")] = 0;
    }
}

/* The secret with words around it, in the place that is marked. */
static void put_around(const char *place, struct weft_buffer *out)
{
    static const char *const around[][2] = { { "", "" }, { "see ", " and more" }, { "(", ")" }, { "a, ", ", b" } };
    const char *const *words = around[next_random(WEFT_COUNT_OF(around))];
    const char *mark = strchr(place, HERE[0]);
    char text[2 * MAX_TEXT];
    snprintf(text, sizeof text, "%s%s%s", before, secret, before[0] == 'p' ? "@db.internal/x" : "");
    weft_buffer_append(out, place, (size_t)(mark - place));
    weft_buffer_append_text(out, words[0]);
    size_t at = out->length;
    enum form form = put_form(text, out);
    seek(form, weft_slice_of(out->bytes + at, out->length - at));
    weft_buffer_append_text(out, words[1]);
    weft_buffer_append_text(out, mark + 1);
    weft_buffer_append_byte(out, 0);
}

static void plant(const char *place, enum weft_detector_id id)
{
    struct weft_buffer json = { 0 };
    put_secret(id);
    put_around(place, &json);
    struct weft_buffer request = request_of((const char *)json.bytes);
    ck_assert_msg(contains(weft_buffer_slice(&request), sought), "%s", sought);
    ck_assert(offer(signal_of(place), weft_buffer_slice(&request), NULL) == WEFT_OK);
    ck_assert_msg(!contains(weft_buffer_slice(&sink.last), sought), "%s: %s in\n%s", weft_detector_name(id), sought,
                  (const char *)json.bytes);
    if (model != NULL) {
        compare_requests(signal_of(place), weft_buffer_slice(&request), weft_buffer_slice(&sink.last));
    }
    weft_buffer_fini(&json);
    weft_buffer_fini(&request);
}

/* Without a summary nothing is done but search, so that most of what is clean is not even read. */
START_TEST(test_no_planted_secret_leaves)
{
    static const struct {
        const char *text;
        bool has_forms, has_summary; /* which adds attributes, so that no model knows what leaves */
    } beginnings[BEGINNINGS] = { { "summary: debug\n", true, true },
                                 { "decode: [none]\n", false, false },
                                 { "", true, false } };
    char config[1024];
    snprintf(config, sizeof config, "allow_all_keys: true\nscope: all\n%sdetectors: [email", beginnings[_i].text);
    has_forms = beginnings[_i].has_forms;
    for (size_t id = 1; id < WEFT_DETECTOR_COUNT; id++) {
        strcat(strcat(config, ", "), weft_detector_name((enum weft_detector_id)id));
    }
    strcat(config, "]");
    for (size_t i = 0; i < WEFT_COUNT_OF(places); i++) {
        component_begin(&weft_processor_redaction, config, signal_of(places[i]));
        struct weft_redaction_matcher matcher;
        ck_assert(weft_redaction_matcher_init(&matcher, fixture.shared, NULL) == WEFT_OK);
        model = beginnings[_i].has_summary ? NULL : &matcher;
        for (size_t n = 0; n < SECRETS / BEGINNINGS / WEFT_COUNT_OF(places) + 1; n++) {
            plant(places[i], (enum weft_detector_id)(n % WEFT_DETECTOR_COUNT));
        }
        weft_redaction_matcher_fini(&matcher);
        fixture_end();
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 0);
    tcase_add_loop_test(tests, test_no_planted_secret_leaves, 0, BEGINNINGS);
}

int main(void)
{
    return component_run("redaction planted secrets", add_tests);
}
