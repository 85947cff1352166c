/* What detectors find in ordinary values, none of which is what they look for: below one in a thousand each.
 * WEFT_VALUES says in how many, WEFT_SEED in which. With WEFT_SHOW set it prints what it counted, by detector and kind,
 * and examples: tests/lint/detectors.py makes the column of docs/redaction.md of it. */
#include "processors/redaction_rules.h"

#include "component_test.h"

enum { VALUES = 200000, MAX_BYTES = 1024 };

static uint64_t state = 20261129;

static uint32_t next(uint32_t limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((state >> 33) % limit);
}

static char text[MAX_BYTES + 1];
static size_t length;

static void put(const char *format, ...) WEFT_PRINTF(1, 2);

static void put(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text + length, sizeof text - length, format, arguments);
    va_end(arguments);
    length += (size_t)written < sizeof text - length ? (size_t)written : sizeof text - length - 1;
}

static void put_from(const char *alphabet, size_t count)
{
    size_t size = strlen(alphabet);
    for (size_t i = 0; i < count; i++) {
        put("%c", alphabet[next((uint32_t)size)]);
    }
}

#define HEX         "0123456789abcdef"
#define DIGITS      "0123456789"
#define SMALL       "abcdefghijklmnopqrstuvwxyz"
#define LETTERS     "ABCDEFGHIJKLMNOPQRSTUVWXYZ" SMALL
#define PICK(words) (words)[next(WEFT_COUNT_OF(words))]

static const char *const english[] = {
    "the",      "request", "was",    "answered", "in",     "time",   "but",     "token", "count",  "is",
    "too",      "high",    "for",    "this",     "model",  "please", "try",     "again", "later",  "user",
    "said",     "that",    "order",  "number",   "has",    "been",   "shipped", "on",    "Monday", "a",
    "password", "reset",   "mail",   "will",     "be",     "sent",   "call",    "us",    "basic",  "plan",
    "costs",    "bearer",  "of",     "news",     "secret", "garden", "we",      "found", "errors", "and",
    "warnings", "from",    "server", "key",      "value",  "cache",  "missed",
};
static const char *const german[] = {
    "die",
    "Anfrage",
    "wurde",
    "beantwortet",
    "der",
    "Auftrag",
    "ist",
    "seit",
    "gestern",
    "unterwegs",
    "bitte",
    "versuchen",
    "Sie",
    "es",
    "sp\xc3\xa4ter",
    "noch",
    "einmal",
    "Schl\xc3\xbcssel",
    "Passwort",
    "vergessen",
    "K\xc3\xbchlschrank",
    "und",
    "Stra\xc3\x9f"
    "e",
    "Rechnung",
    "Nummer",
    "vom",
    "mit",
    "einem",
    "Fehler",
    "beendet",
    "Modell",
    "antwortet",
    "nicht",
    "Ger\xc3\xa4t",
    "im",
    "Lager",
    "Zeile",
    "Spalte",
    "wir",
    "haben",
    "Ihre",
    "Nachricht",
    "erhalten",
    "Gr\xc3\xbc\xc3\x9f"
    "e",
};
static const char *const names[] = {
    "checkout", "payment", "user",   "order",  "cart",    "inventory", "gateway", "worker",
    "search",   "render",  "queue",  "model",  "api",     "v1",        "v2",      "internal",
    "health",   "metrics", "images", "static", "comfyui", "inference", "batch",   "jobs",
};

static void put_words(const char *const *words, uint32_t count)
{
    uint32_t left = 5 + next(15);
    while (left-- > 0) {
        put("%s", words[next(count)]);
        uint32_t behind = next(20);
        if (behind == 0) {
            put(" %u", next(100000));
        }
        put("%s", left == 0 ? "." : behind == 1 ? ", " : behind == 2 ? ": " : " ");
    }
}

static void put_uuid(void)
{
    put_from(HEX, 8);
    for (int i = 0; i < 3; i++) {
        put("-");
        put_from(HEX, 4);
    }
    put("-");
    put_from(HEX, 12);
}

static void put_hash(void)
{
    static const uint8_t sizes[] = { 16, 32, 40, 64 };
    put("%s", next(4) == 0 ? "sha256:" : "");
    put_from(HEX, PICK(sizes));
}

static void put_id(void)
{
    static const char *const prefixes[] = { "", "", "req_", "job-", "ord-", "trace:", "#" };
    put("%s", PICK(prefixes));
    put("%c", "123456789"[next(9)]);
    put_from(DIGITS, next(19));
}

static void put_opaque(void)
{
    static const char *const prefixes[] = { "", "req_", "run-", "pod_", "01J", "k8s_" };
    put("%s", PICK(prefixes));
    put_from(LETTERS DIGITS, 8 + next(40));
}

static void put_base64(void)
{
    put_from(LETTERS DIGITS "+/", 4 * (2 + next(20)));
    put("%s", next(2) == 0 ? "=" : "");
}

static void put_number(void)
{
    switch (next(4)) {
    case 0:
        put("%u.%u", next(100000), next(1000000000));
        break;
    case 1:
        put("%s%u", next(2) == 0 ? "-" : "", next(2000000000));
        break;
    case 2:
        put("%u.%ue-%u", next(10), next(100000000), next(20));
        break;
    default:
        put("0.");
        put_from(DIGITS, 17);
        break;
    }
}

static void put_time(void)
{
    uint32_t day = 1 + next(28);
    switch (next(4)) {
    case 0:
        put("20%02u-%02u-%02uT%02u:%02u:%02u.%03uZ", next(30), 1 + next(12), day, next(24), next(60), next(60),
            next(1000));
        break;
    case 1:
        put("17%08u%03u", next(100000000), next(1000)); /* milliseconds */
        break;
    case 2:
        put("17%08u%06u", next(100000000), next(1000000)); /* microseconds */
        break;
    default:
        put("17%08u%09u", next(100000000), next(1000000000)); /* nanoseconds */
        break;
    }
}

static void put_path(void)
{
    put("%s", next(2) == 0 ? "" : next(2) == 0 ? "https://shop.example.com" : "/var/log");
    for (uint32_t parts = 1 + next(6); parts > 0; parts--) {
        put("/%s", PICK(names));
        if (next(3) == 0) {
            put("%s%u", next(2) == 0 ? "/" : "-", next(1000000));
        }
    }
    if (next(3) == 0) {
        put("?page=%u&q=%s&t=17%08u", next(1000), PICK(names), next(100000000));
    }
}

static void put_version(void)
{
    switch (next(4)) {
    case 0:
        put("v%u.%u.%u-rc.%u+%07x", next(20), next(50), next(100), next(10), next(1u << 28));
        break;
    case 1:
        put("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.0.0 Safari/537.36",
            next(150));
        break;
    case 2:
        put("python-requests/%u.%u.%u node-fetch@%u.%u.%u", next(3), next(40), next(9), next(4), next(9), next(9));
        break;
    default:
        put("nvidia/cuda:%u.%u.%u-runtime-ubuntu22.04@sha256:", next(13), next(9), next(9));
        put_from(HEX, 64);
        break;
    }
}

static void put_host(void)
{
    put("%s-%s-", PICK(names), PICK(names));
    put_from(SMALL DIGITS, 10);
    put("-");
    put_from(SMALL DIGITS, 5);
    put("%s", next(2) == 0 ? ".prod.svc.cluster.local:8080" : "");
}

static void put_line(void)
{
    put("level=%s service=%s duration=%ums status=%u bytes=%u tokens=%u at=%02u:%02u:%02u",
        next(2) == 0 ? "info" : "warn", PICK(names), next(100000), 200 + next(300), next(100000000), next(10000),
        next(24), next(60), next(60));
}

static void put_query(void)
{
    put("SELECT id, name FROM %s WHERE %s_id = %u AND created > '20%02u-%02u-%02u' LIMIT %u", PICK(names), PICK(names),
        next(1000000000), next(30), 1 + next(12), 1 + next(28), next(1000));
}

static void put_json(void)
{
    put("{\"%s\":%u,\"%s\":\"", PICK(names), next(1000000), PICK(names));
    put_from(LETTERS DIGITS, 12);
    put("\",\"max_tokens\":%u,\"ratio\":0.%u,\"token_count\":%u}", next(10000), next(100000), next(10000));
}

/* Numbers of versions that have four parts, as addresses have. */
static void put_four_parts(void)
{
    switch (next(6)) {
    case 0:
        put("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%u.0.%u.%u "
            "Safari/537.36 Edg/%u.0.%u.%u",
            100 + next(40), 4000 + next(3000), next(250), 100 + next(40), 1000 + next(2000), next(100));
        break;
    case 1:
        put("Windows 10.0.%u.%u", 19041 + next(4000), 1 + next(5000));
        break;
    case 2:
        put("%s %u.%u.%u.%u", next(2) == 0 ? "version" : "Version:", next(20), next(30), next(60), next(250));
        break;
    case 3:
        put("System.Private.CoreLib, Version=%u.%u.%u.0, Culture=neutral, PublicKeyToken=", next(9), next(9), next(3));
        put_from(HEX, 16);
        break;
    case 4:
        put("v%u.%u.%u.%u", next(20), next(30), next(60), next(250));
        break;
    default:
        put("app_version=\"%u.%u.%u.%u\"", next(20), next(30), next(60), next(250));
        break;
    }
}

static void put_agent(void)
{
    switch (next(4)) {
    case 0:
        put("Mozilla/5.0 (iPhone; CPU iPhone OS %u_%u like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/%u.%u Mobile/15E%u Safari/604.1",
            12 + next(7), next(7), 12 + next(7), next(7), 100 + next(200));
        break;
    case 1:
        put("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:%u.0) Gecko/20100101 Firefox/%u.0", 80 + next(60),
            80 + next(60));
        break;
    case 2:
        put("Mozilla/5.0 (compatible; bot/2.%u; +https://example.com/bot.html)", next(9));
        break;
    default:
        put("%s/%u.%u.%u grpc-go/1.%u.%u OTel-OTLP-Exporter-Python/1.%u.%u", PICK(names), next(9), next(30), next(9),
            next(70), next(9), next(40), next(9));
        break;
    }
}

static void put_stack(void)
{
    for (uint32_t left = 2 + next(5); left > 0; left--) {
        switch (next(5)) {
        case 0:
            put("\tat com.example.%s.%s.handle(%s.java:%u)\n", PICK(names), PICK(names), PICK(names), next(900));
            break;
        case 1:
            put("  File \"/usr/lib/python3.11/site-packages/%s/%s.py\", line %u, in %s\n", PICK(names), PICK(names),
                next(2000), PICK(names));
            break;
        case 2:
            put("    at async %s.%s (file:///app/dist/%s.js:%u:%u)\n", PICK(names), PICK(names), PICK(names), next(900),
                next(90));
            break;
        case 3:
            put("%s/%s.go:%u +0x%x\n", PICK(names), PICK(names), next(900), next(4096));
            break;
        default:
            put("  %u: core::ops::function::FnOnce::call_once at /rustc/", next(40));
            put_from(HEX, 40);
            put("/library/core/src/ops/function.rs:%u:5\n", next(900));
            break;
        }
    }
}

/* Access logs and amounts, as Germans write them and others. */
static void put_record(void)
{
    switch (next(4)) {
    case 0:
        put("[%02u/Nov/2026:%02u:%02u:%02u +0%u00] \"GET /%s?id=%u HTTP/1.1\" %u %u \"-\" %u.%03u", 1 + next(30),
            next(24), next(60), next(60), next(3), PICK(names), next(1000000), 200 + next(300), next(100000), next(9),
            next(1000));
        break;
    case 1:
        put("Umsatz %u.%03u.%03u,%02u EUR, %u.%03u Einheiten am %02u.%02u.20%02u um %02u:%02u Uhr", 1 + next(90),
            next(1000), next(1000), next(100), 1 + next(900), next(1000), 1 + next(28), 1 + next(12), next(30),
            next(24), next(60));
        break;
    case 2:
        put("Bilanzsumme %u.%03u.%03u.%03u", 1 + next(90), next(1000), next(1000), next(1000));
        break;
    default:
        put("total $%u,%03u,%03u.%02u (%u items) on %u/%u/20%02u %02u:%02u:%02u,%03u", 1 + next(90), next(1000),
            next(1000), next(100), next(10000), 1 + next(12), 1 + next(28), next(30), next(24), next(60), next(60),
            next(1000));
        break;
    }
}

static void put_english(void)
{
    put_words(english, WEFT_COUNT_OF(english));
}

static void put_german(void)
{
    put_words(german, WEFT_COUNT_OF(german));
}

static const struct {
    const char *name;
    void (*put)(void);
} kinds[] = {
    { "UUIDs", put_uuid },        { "hashes", put_hash },
    { "decimal ids", put_id },    { "opaque ids", put_opaque },
    { "base64", put_base64 },     { "numbers", put_number },
    { "times", put_time },        { "paths and URLs", put_path },
    { "versions", put_version },  { "hosts", put_host },
    { "log lines", put_line },    { "SQL", put_query },
    { "JSON", put_json },         { "English", put_english },
    { "German", put_german },     { "four parts", put_four_parts },
    { "user agents", put_agent }, { "stack traces", put_stack },
    { "records", put_record },
};

enum { KINDS = sizeof kinds / sizeof kinds[0] };

static uint64_t counts[WEFT_DETECTOR_COUNT][KINDS];

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *given = getenv(name);
    return given == NULL ? otherwise : strtoull(given, NULL, 10);
}

static void show(size_t id, uint64_t count)
{
    printf("%s %llu", weft_detector_name((enum weft_detector_id)id), (unsigned long long)count);
    for (size_t kind = 0; kind < KINDS; kind++) {
        if (counts[id][kind] > 0) {
            printf("%s%s %llu", counts[id][kind] == count ? " " : ", ", kinds[kind].name,
                   (unsigned long long)counts[id][kind]);
        }
    }
    printf("\n");
}

/* One more ordinary value through all of a redaction. */
static void look_at(struct weft_redaction_matcher *matcher, size_t kind, bool is_shown)
{
    struct weft_redaction_tally *tally = &matcher->tally;
    struct weft_slice masked;
    weft_redaction_tally_clear(tally);
    length = 0;
    kinds[kind].put();
    (void)weft_redaction_mask(matcher, weft_slice_of(text, length), &masked);
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        bool is_found = weft_redaction_count_of(tally, WEFT_REDACTION_DETECTOR, id)->values > 0;
        if (is_found && counts[id][kind]++ < 3 && is_shown) {
            fprintf(stderr, "%s: %s\n", weft_detector_name((enum weft_detector_id)id), text);
        }
    }
}

START_TEST(test_ordinary_values_are_left_alone)
{
    static char *detectors[WEFT_DETECTOR_COUNT];
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        detectors[id] = (char *)(uintptr_t)weft_detector_name((enum weft_detector_id)id);
    }
    const struct weft_redaction_config config = { .allow_all_keys = true,
                                                  .scope = { WEFT_REDACTION_ALL },
                                                  .detectors = { .items = detectors, .count = WEFT_DETECTOR_COUNT } };
    struct weft_redaction_rules *rules = NULL;
    struct weft_redaction_matcher matcher;
    ck_assert(weft_redaction_rules_new(&config, &rules, NULL) == WEFT_OK);
    ck_assert(weft_redaction_matcher_init(&matcher, rules, NULL) == WEFT_OK);
    bool is_shown = getenv("WEFT_SHOW") != NULL;
    uint64_t values = number_from("WEFT_VALUES", VALUES);
    state = number_from("WEFT_SEED", state);
    for (uint64_t i = 0; i < values; i++) {
        look_at(&matcher, (size_t)(i % KINDS), is_shown);
    }
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        uint64_t count = 0;
        for (size_t kind = 0; kind < KINDS; kind++) {
            count += counts[id][kind];
        }
        if (is_shown) {
            show(id, count);
        }
        ck_assert_msg(count * 1000 < values, "%s: %llu", weft_detector_name((enum weft_detector_id)id),
                      (unsigned long long)count);
    }
    weft_redaction_matcher_fini(&matcher);
    weft_redaction_rules_free(&rules);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, test_ordinary_values_are_left_alone);
}

int main(void)
{
    return component_run("redaction false positives", add_tests);
}
