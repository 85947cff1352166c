/* Every function on values as a peer would choose them to keep the worker busy: 4 MiB of one byte, of short keys, of
 * quotes, of escapes... Each statement ends, with a result or with an error, and takes the same steps each time. What
 * each took is printed, slowest first, for WEFT_HOSTILE_BYTES=4190000; a test takes 16 KiB, in which nothing is
 * asserted about time. What an honest value of 4 MiB needs is there. */
#include "ottl_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/work.h"
#include "suite.h"

enum {
    BODY_FIELD = 5,
    STRING_FIELD = 1,
    LIST_FIELD = 5,
    MAP_FIELD = 6,
    BYTES_FIELD = 7,
    ITEM_FIELD = 1,
    INT_FIELD = 3
};

static size_t value_bytes = 16 << 10;

/* ---- values ---- */

/* A text of the same piece again and again; with %zu in it, which is a number that grows. */
struct hostile {
    const char *name;
    char kind; /* s, b, l, m: what the body is */
    const char *head, *piece, *tail;
};

static const struct hostile hostiles[] = {
    { "a", 's', "", "a", "" },
    { "a!", 's', "", "a", "!" },
    { "capitals", 's', "", "aA", "" },
    { "spaces", 's', "", " ", "x" },
    { "kanji", 's', "", "\xe6\x97\xa5", "" },
    { "bad utf8", 's', "", "\x80", "" },
    { "digits", 's', "", "1", "" },
    { "commas", 's', "", "a,", "a" },
    { "quotes", 's', "", "\"", "" },
    { "quoted", 's', "", "\"a\",", "\"a\"" },
    { "lines", 's', "", "a\n", "" },
    { "pairs", 's', "", "k%zu=v ", "k=v" },
    { "one key", 's', "", "k=v ", "k=v" },
    { "json keys", 's', "{", "\"k%zu\":0,", "\"k\":0}" },
    { "json one key", 's', "{", "\"k\":0,", "\"k\":0}" },
    { "json ones", 's', "[", "1,", "1]" },
    { "json lists", 's', "[", "[],", "[]]" },
    { "json depth", 's', "", "[", "" },
    { "json escapes", 's', "[\"", "\\n", "\"]" },
    { "json numbers", 's', "[", "1.2345678901234567e-300,", "1]" },
    { "words", 's', "", "GET /a?b=%zu ", "" },
    { "base64", 's', "", "AAAA", "" },
    { "dollars", 's', "", "$1", "" },
    { "xml", 's', "<a>", "<b/>", "</a>" },
    { "xml keys", 's', "<a>", "<b%zu c='d'>e</b%zu>", "</a>" },
    { "xml depth", 's', "", "<a>", "" },
    { "xml nested", 's', "<a>", "<a c='%zu'>x<a><a><a>y</a></a></a></a>", "</a>" },
    { "xml spaces", 's', "<a xmlns:p='u'>", "<p:b xmlns:p%zu='u' p:c='1'/> ", "</a>" },
    { "url", 's', "http://h/?", "a%%41&", "" },
    { "bytes", 'b', "", "\xff", "" },
    { "list of ints", 'l', "", "i", "" },
    { "list of texts", 'l', "", "s%zu", "" },
    { "list of a", 'l', "", "sa", "" },
    { "list of maps", 'l', "", "m%zu", "" },
    { "map", 'm', "", "k%zu", "" },
    { "map of one key", 'm', "", "k", "" },
    { "map of lists", 'm', "", "l%zu", "" },
};

static void put_number_text(struct weft_buffer *out, const char *piece, size_t number)
{
    for (; *piece != 0; piece++) {
        if (piece[0] == '%' && piece[1] == 'z') {
            weft_buffer_append_format(out, "%zu", number);
            piece += 2;
        } else if (piece[0] == '%' && piece[1] == '%') {
            weft_buffer_append_byte(out, '%');
            piece++;
        } else {
            weft_buffer_append_byte(out, (uint8_t)*piece);
        }
    }
}

static void put_field(struct weft_buffer *out, uint32_t field, struct weft_slice contents)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, field, contents.length) - header));
    weft_buffer_append(out, contents.bytes, contents.length);
}

/* The contents of an AnyValue. */
static void put_item(struct weft_buffer *out, const char *kind, size_t number)
{
    static const uint8_t one[] = { INT_FIELD << 3, 1 };
    struct weft_buffer text = { 0 };
    struct weft_buffer inner = { 0 };
    put_number_text(&text, kind + 1, number);
    if (*kind == 'i') {
        weft_buffer_append(out, one, sizeof one);
    } else if (*kind == 's') {
        put_field(out, STRING_FIELD, weft_buffer_slice(&text));
    } else {
        struct weft_buffer value = { 0 };
        put_field(&inner, 1, weft_buffer_slice(&text));
        put_field(&inner, 2, weft_slice_of(one, sizeof one));
        put_field(&value, ITEM_FIELD, weft_buffer_slice(&inner));
        put_field(out, MAP_FIELD, weft_buffer_slice(&value));
        weft_buffer_fini(&value);
    }
    weft_buffer_fini(&text);
    weft_buffer_fini(&inner);
}

static void put_member(struct weft_buffer *out, const char *kind, size_t number)
{
    static const uint8_t one[] = { INT_FIELD << 3, 1 };
    struct weft_buffer key = { 0 };
    struct weft_buffer member = { 0 };
    struct weft_buffer value = { 0 };
    put_number_text(&key, kind, number);
    if (*kind == 'l') {
        struct weft_buffer item = { 0 };
        put_field(&item, ITEM_FIELD, weft_slice_of(one, sizeof one));
        put_field(&value, LIST_FIELD, weft_buffer_slice(&item));
        weft_buffer_fini(&item);
    } else {
        weft_buffer_append(&value, one, sizeof one);
    }
    put_field(&member, 1, weft_buffer_slice(&key));
    put_field(&member, 2, weft_buffer_slice(&value));
    put_field(out, ITEM_FIELD, weft_buffer_slice(&member));
    weft_buffer_fini(&key);
    weft_buffer_fini(&member);
    weft_buffer_fini(&value);
}

/* A LogRecord with that body. */
static void put_record(struct weft_buffer *out, const struct hostile *hostile)
{
    struct weft_buffer contents = { 0 };
    struct weft_buffer body = { 0 };
    weft_buffer_append_text(&contents, hostile->head);
    for (size_t i = 0; contents.length < value_bytes; i++) {
        if (hostile->kind == 's' || hostile->kind == 'b') {
            put_number_text(&contents, hostile->piece, i);
        } else if (hostile->kind == 'm') {
            put_member(&contents, hostile->piece, i);
        } else {
            struct weft_buffer item = { 0 };
            put_item(&item, hostile->piece, i);
            put_field(&contents, ITEM_FIELD, weft_buffer_slice(&item));
            weft_buffer_fini(&item);
        }
    }
    weft_buffer_append_text(&contents, hostile->tail);
    uint32_t field = hostile->kind == 's'   ? (uint32_t)STRING_FIELD
                     : hostile->kind == 'b' ? (uint32_t)BYTES_FIELD
                     : hostile->kind == 'l' ? (uint32_t)LIST_FIELD
                                            : (uint32_t)MAP_FIELD;
    put_field(&body, field, weft_buffer_slice(&contents));
    put_field(out, BODY_FIELD, weft_buffer_slice(&body));
    weft_buffer_fini(&contents);
    weft_buffer_fini(&body);
}

/* ---- statements ---- */

static const char *const statements[] = {
#define STATEMENT(text) text,
#include "hostile.def"
#undef STATEMENT
};

struct took {
    double ms, longest_ms; /* in all, and of one turn */
    uint64_t steps_left;
    const char *statement, *value;
    enum weft_status status;
    char error[100];
};

static struct took took[WEFT_COUNT_OF(statements) * WEFT_COUNT_OF(hostiles)];
static size_t took_count;

static int compare_took(const void *left, const void *right)
{
    const struct took *a = left;
    const struct took *b = right;
    return (a->longest_ms < b->longest_ms) - (a->longest_ms > b->longest_ms);
}

static struct weft_work *work;
static int64_t turn_ns = 1; /* put off as often as can be */

static struct weft_ottl_program *compile(const char *text)
{
    struct weft_ottl_options options = { .form = WEFT_OTTL_STATEMENT, .context = WEFT_OTTL_LOG };
    struct weft_ottl_program *program = NULL;
    struct weft_error error = WEFT_ERROR_NONE;
    enum weft_status status = weft_ottl_program_new(weft_slice_of_text(text), &options, &program, &error);
    ck_assert_msg(status == WEFT_OK, "%s: %s", text, error.text);
    return program;
}

/* A statement in turns, as a worker gives them. */
struct turns {
    struct weft_ottl_run *run;
    const struct weft_ottl_program *program;
    enum weft_status status;
};

static void run_program(void *context)
{
    struct turns *turns = context;
    struct weft_ottl_value ignored;
    bool holds = true;
    turns->status = weft_ottl_program_holds(turns->program, turns->run, &holds);
    if (turns->status == WEFT_OK && holds) {
        turns->status = weft_ottl_evaluate(turns->run, turns->program->editor, &ignored);
    }
}

static void take_turns(struct turns *turns, struct took *row)
{
    bool is_ended = false;
    for (bool is_first = true; !is_ended; is_first = false) {
        int64_t start_ns = weft_thread_cpu_ns();
        is_ended = is_first ? weft_work_begin(work, run_program, turns, turn_ns) : weft_work_go_on(work, turn_ns);
        double ms = (double)(weft_thread_cpu_ns() - start_ns) / WEFT_NS_PER_MS;
        row->ms += ms;
        row->longest_ms = ms > row->longest_ms ? ms : row->longest_ms;
    }
}

static struct took *run_one(struct weft_ottl_run *run, struct weft_slice record, const char *text, const char *value)
{
    struct weft_ottl_program *program = compile(text);
    struct turns turns = { .run = run, .program = program };
    struct took *row = &took[took_count++];
    *row = (struct took){ .statement = text, .value = value };
    weft_ottl_run_clear(run);
    weft_ottl_record_set_resource(&run->record, WEFT_LOGS, WEFT_SLICE_EMPTY);
    weft_ottl_record_set_scope(&run->record, WEFT_SLICE_EMPTY);
    weft_ottl_record_set_record(&run->record, record);
    take_turns(&turns, row);
    row->status = turns.status == WEFT_NOMEM ? weft_ottl_without_memory(run) : turns.status;
    row->steps_left = run->steps_left;
    ck_assert_msg(row->status == WEFT_OK || row->status == WEFT_INVALID, "%s: %d %s", text, row->status,
                  run->error.text);
    snprintf(row->error, sizeof row->error, "%s", row->status == WEFT_OK ? "" : run->error.text);
    weft_ottl_program_free(&program);
    return row;
}

START_TEST(test_hostile_values_end_with_a_result_or_an_error)
{
    struct weft_ottl_run run;
    const char *wanted = getenv("WEFT_HOSTILE_BYTES");
    value_bytes = wanted != NULL ? strtoull(wanted, NULL, 10) : value_bytes;
    turn_ns = wanted != NULL ? 3 * WEFT_NS_PER_MS : 1;
    ck_assert(weft_ottl_run_init(&run, NULL) == WEFT_OK);
    for (size_t h = 0; h < WEFT_COUNT_OF(hostiles); h++) {
        struct weft_buffer record = { 0 };
        put_record(&record, &hostiles[h]);
        for (size_t s = 0; s < WEFT_COUNT_OF(statements); s++) {
            run_one(&run, weft_buffer_slice(&record), statements[s], hostiles[h].name);
        }
        weft_buffer_fini(&record);
    }
    weft_ottl_run_fini(&run);
    qsort(took, took_count, sizeof *took, compare_took);
    for (size_t i = 0; wanted != NULL && i < took_count; i++) {
        printf("%7.2f of %9.2f ms  %-14s %s  %s\n", took[i].longest_ms, took[i].ms, took[i].value, took[i].statement,
               took[i].error);
    }
}
END_TEST

/* ---- bounds ---- */

static struct took *run_on_text(struct weft_ottl_run *run, const struct hostile *hostile, size_t bytes,
                                const char *statement)
{
    struct weft_buffer record = { 0 };
    size_t former = value_bytes;
    value_bytes = bytes;
    took_count = 0;
    put_record(&record, hostile);
    struct took *row = run_one(run, weft_buffer_slice(&record), statement, hostile->name);
    weft_buffer_fini(&record);
    value_bytes = former;
    return row;
}

enum { LARGE_BYTES = 4190000 }; /* patterns look at 4 MiB and no more */

/* Which statement meets a limit depends on nothing but the statement and the record. */
START_TEST(test_work_is_bounded_by_what_is_asked_of_what)
{
    static const struct {
        struct hostile value;
        const char *statement, *reason;
    } rows[] = {
        { { "a", 's', "", "a", "" }, "replace_pattern(body, \"(a*)(a*)b\", \"x\")", "met its limit" },
        { { "a", 's', "", "a", "" }, "set(cache[\"x\"], IsMatch(body, \"(a|aa)+$\"))", "met its limit" },
        { { "a", 's', "", "a", "" }, "replace_pattern(body, \"a\", \"$$0\", SHA256)", "met its limit" },
        { { "lists", 's', "[", "[],", "[]]" }, "set(cache[\"x\"], ParseJSON(body))", "more memory than a statement" },
        { { "numbers", 's', "[", "1.23456789012345678e-300,", "1]" }, "set(cache[\"x\"], ParseJSON(body))", "steps" },
        { { "bytes", 'b', "", "\xff", "" },
          "set(cache[\"x\"], Format(\"%d\", [body]))",
          "more steps than a statement may" },
        { { "map", 'm', "", "k%zu", "" }, "set(cache[\"x\"], String(body))", "more steps than a statement may" },
        { { "list", 'l', "", "i", "" },
          "set(cache[\"x\"], ContainsValue(body, 2))",
          "more steps than a statement may" },
        { { "list", 'l', "", "i", "" }, "set(cache[\"x\"], SliceToMap(body))", "more memory than a statement" },
    };
    struct weft_ottl_run run;
    ck_assert(weft_ottl_run_init(&run, NULL) == WEFT_OK);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        uint64_t limits = run.limits_met;
        struct took first = *run_on_text(&run, &rows[i].value, LARGE_BYTES, rows[i].statement);
        struct took second = *run_on_text(&run, &rows[i].value, LARGE_BYTES, rows[i].statement);
        ck_assert_msg(first.status == WEFT_INVALID && strstr(first.error, rows[i].reason) != NULL, "%s: %s",
                      rows[i].statement, first.error);
        ck_assert_uint_eq(first.steps_left, second.steps_left);
        ck_assert_uint_eq(run.limits_met, limits + 2);
        ck_assert_uint_le(run.memory.size_bytes, run.steps_max / 2 * 3 + (64 << 10)); /* some is kept between records */
    }
    weft_ottl_run_fini(&run);
}
END_TEST

#define WORDS "the quick brown fox jumps over the lazy dog and runs away from there, as it should; "

START_TEST(test_honest_values_of_4_mib_pass)
{
    static const struct {
        struct hostile value;
        const char *statement;
    } rows[] = {
        { { "words", 's', "", WORDS, "" }, "replace_pattern(body, \"token=[^ ]+\", \"token=***\")" },
        { { "words", 's', "", WORDS, "" }, "replace_pattern(body, \"fox (\\\\w+)\", \"cat $$1\")" },
        { { "words", 's', "", WORDS, "" }, "set(cache[\"x\"], IsMatch(body, \"(?i)error|panic\"))" },
        { { "words", 's', "", WORDS, "" },
          "set(cache[\"x\"], ExtractPatterns(body, \"^(?P<first>\\\\w+).* (?P<last>\\\\w+)\"))" },
        { { "words", 's', "", WORDS, "" }, "set(cache[\"x\"], Split(body, \";\"))" },
        { { "words", 's', "", WORDS, "" }, "set(cache[\"x\"], Concat([body, body], \" \"))" },
        { { "words", 's', "", WORDS, "" }, "set(cache[\"x\"], SHA512(body))" },
        { { "json", 's', "{", "\"key %zu of some length\":\"" WORDS WORDS "\",", "\"k\":0}" },
          "merge_maps(attributes, ParseJSON(body), \"upsert\")" },
        { { "map", 'm', "", "a key that is about as long as keys may well be in the attributes of a record %zu", "" },
          "set(cache[\"x\"], String(body))" },
    };
    struct weft_ottl_run run;
    ck_assert(weft_ottl_run_init(&run, NULL) == WEFT_OK);
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        const struct took *row = run_on_text(&run, &rows[i].value, LARGE_BYTES, rows[i].statement);
        ck_assert_msg(row->status == WEFT_OK, "%s: %s", rows[i].statement, row->error);
    }
    ck_assert_uint_eq(run.limits_met, 0);
    weft_ottl_run_fini(&run);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hostile values");
    work = weft_work_try_new();
    TCase *tests = tcase_create("functions");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, test_hostile_values_end_with_a_result_or_an_error);
    tcase_add_test(tests, test_work_is_bounded_by_what_is_asked_of_what);
    tcase_add_test(tests, test_honest_values_of_4_mib_pass);
    suite_add_tcase(suite, tests);
    int outcome = suite_run(suite);
    weft_work_free(&work);
    return outcome;
}
