/* W3C tracestate: members found in all that Trace Context level 1 allows, at its limits and one over, and random states
 * beside the grammar of its section 3.3 as regular expressions. */
#include "wire/wire_test.h"

#include <regex.h>
#include <stdio.h>

#include "wire/trace_state.h"

#define TIMES_10(text)  text text text text text text text text text text
#define TIMES_50(text)  TIMES_10(text) TIMES_10(text) TIMES_10(text) TIMES_10(text) TIMES_10(text)
#define TIMES_250(text) TIMES_50(text) TIMES_50(text) TIMES_50(text) TIMES_50(text) TIMES_50(text)

/* State and key are in memory of exactly their length, so that a read past an end is seen; out_text: what is found. */
static bool find(struct weft_slice state, struct weft_slice key, char *out_text)
{
    uint8_t *state_bytes = weft_alloc(state.length > 0 ? state.length : 1);
    uint8_t *key_bytes = weft_alloc(key.length > 0 ? key.length : 1);
    memcpy(state_bytes, state.bytes, state.length);
    memcpy(key_bytes, key.bytes, key.length);
    struct weft_slice value = WEFT_SLICE_EMPTY;
    bool is_found =
        weft_trace_state_find(weft_slice_of(state_bytes, state.length), weft_slice_of(key_bytes, key.length), &value);
    if (is_found) {
        ck_assert(value.bytes >= state_bytes && value.bytes + value.length <= state_bytes + state.length);
        memcpy(out_text, value.bytes, value.length);
        out_text[value.length] = '\0';
    }
    weft_free(state_bytes);
    weft_free(key_bytes);
    return is_found;
}

struct row {
    const char *state, *key;
    const char *value; /* NULL: none */
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char text[600] = "";
        bool is_found = find(weft_slice_of_text(rows[i].state), weft_slice_of_text(rows[i].key), text);
        ck_assert_msg(is_found == (rows[i].value != NULL), "row %zu: \"%s\": %s", i, rows[i].state,
                      is_found ? text : "none");
        ck_assert_str_eq(text, is_found ? rows[i].value : "");
    }
}

/* Everything else in such a state is in order, so the state as a whole tells: there is a member z=1 in it. */
static void check_validity(const char *state, bool is_valid)
{
    char text[600];
    ck_assert_msg(find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("z"), text) == is_valid, "\"%s\" is %s", state,
                  is_valid ? "valid" : "not valid");
}

START_TEST(test_member_is_found_wherever_it_stands)
{
    static const struct row rows[] = {
        { "a=1", "a", "1" },
        { "a=1,b=2,c=3", "a", "1" },
        { "a=1,b=2,c=3", "b", "2" },
        { "a=1,b=2,c=3", "c", "3" },
        { "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "congo", "t61rcWkgMzE" },
        { "ab=1,a=2", "a", "2" },
        { "a=1", "b", NULL },
        { "a=1", "A", NULL },
        { "ab=1", "a", NULL },
        { "a=1", "ab", NULL },
        { "a=1", "", NULL },
        { "a=1", "1", NULL },
        { "a=b=1", "a", NULL },
        { "a=1,b=2", "a=1,b", NULL },
        { "", "a", NULL },
        { "", "", NULL },
        { "=1", "", NULL },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_empty_state_may_have_no_bytes)
{
    struct weft_slice value;
    ck_assert(!weft_trace_state_find(WEFT_SLICE_EMPTY, WEFT_SLICE_LITERAL("a"), &value));
    ck_assert(!weft_trace_state_find(WEFT_SLICE_LITERAL("a=1"), WEFT_SLICE_EMPTY, &value));
}
END_TEST

START_TEST(test_every_byte_that_a_value_may_have_is_kept)
{
    static const char all[] =
        "!\"#$%&'()*+-./0123456789:;<>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz"
        "{|}~";
    for (int byte = 1; byte < 256; byte++) {
        const char around[] = { 'z', '=', '1', ',', 'a', '=', 'b', (char)byte, 'c', '\0' };
        const char last[] = { 'z', '=', '1', ',', 'a', '=', 'b', (char)byte, '\0' };
        const char alone[] = { 'z', '=', '1', ',', 'a', '=', (char)byte, '\0' };
        bool is_visible = strchr(all, byte) != NULL;
        bool is_separator = byte == ',';
        check_validity(around, is_visible || byte == ' ');
        check_validity(last, is_visible || byte == ' ' || byte == '\t' || is_separator);
        check_validity(alone, is_visible);
    }
    char state[200];
    char text[200];
    snprintf(state, sizeof state, "a=%s,z=1", all);
    ck_assert(find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("a"), text));
    ck_assert_str_eq(text, all);
}
END_TEST

START_TEST(test_every_byte_that_a_key_may_have_is_taken)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz";
    static const char digits[] = "0123456789";
    static const char more[] = "_-*/";
    for (int byte = 1; byte < 256; byte++) {
        const char begins[] = { (char)byte, 'b', '=', '1', ',', 'z', '=', '1', '\0' };
        const char begins_tenant[] = { (char)byte, 'b', '@', 'c', '=', '1', ',', 'z', '=', '1', '\0' };
        const char begins_system[] = { 'b', '@', (char)byte, 'c', '=', '1', ',', 'z', '=', '1', '\0' };
        const char ends[] = { 'b', (char)byte, '=', '1', ',', 'z', '=', '1', '\0' };
        const char ends_tenant[] = { 'b', (char)byte, '@', 'c', '=', '1', ',', 'z', '=', '1', '\0' };
        const char ends_system[] = { 'b', '@', 'c', (char)byte, '=', '1', ',', 'z', '=', '1', '\0' };
        bool is_letter = strchr(first, byte) != NULL;
        bool is_digit = strchr(digits, byte) != NULL;
        bool is_any = is_letter || is_digit || strchr(more, byte) != NULL;
        bool is_cut_off = byte == ' ' || byte == '\t'; /* spaces in front of a member */
        bool is_equals = byte == '=';                  /* what is behind the first one has another: no value */
        check_validity(begins, is_letter || is_cut_off || byte == ',');
        check_validity(begins_tenant, is_letter || is_digit || is_cut_off || byte == ',');
        check_validity(begins_system, is_letter);
        check_validity(ends, is_any && !is_equals);
        check_validity(ends_tenant, is_any && !is_equals);
        check_validity(ends_system, is_any && !is_equals);
    }
}
END_TEST

START_TEST(test_bytes_of_zero_are_none_of_a_key_or_value)
{
    char text[10];
    ck_assert(!find(WEFT_SLICE_LITERAL("z=1\0"), WEFT_SLICE_LITERAL("z"), text));
    ck_assert(!find(WEFT_SLICE_LITERAL("z=1,a=\0001"), WEFT_SLICE_LITERAL("z"), text));
    ck_assert(!find(WEFT_SLICE_LITERAL("z=1,a\0=1"), WEFT_SLICE_LITERAL("z"), text));
    ck_assert(!find(WEFT_SLICE_LITERAL("\0,z=1"), WEFT_SLICE_LITERAL("z"), text));
    ck_assert(!find(WEFT_SLICE_LITERAL("z=1"), WEFT_SLICE_LITERAL("z\0"), text));
}
END_TEST

/* Around a member they are passed over; behind "=" spaces are the value's; elsewhere there may be none. */
START_TEST(test_spaces_and_tabs)
{
    static const struct row rows[] = {
        { " a=1", "a", "1" },       { "\ta=1", "a", "1" },         { "a=1 ", "a", "1" },
        { "a=1\t", "a", "1" },      { " \t a=1 \t\t ", "a", "1" }, { "a=1 , b=2", "a", "1" },
        { "a=1 , b=2", "b", "2" },  { "a=1\t,\tb=2\t", "b", "2" }, { "a= 1", "a", " 1" },
        { "a=  1  ", "a", "  1" },  { "a=1 2", "a", "1 2" },       { "a=1  2 , b=3", "a", "1  2" },
        { "a=\t1", "a", NULL },     { "a=1\t2", "a", NULL },       { "a=1\t 2", "a", NULL },
        { "a =1", "a", NULL },      { "a\t=1", "a", NULL },        { "a b=1", "a b", NULL },
        { "a= ", "a", NULL },       { "a=\t", "a", NULL },         { "a=1\n", "a", NULL },
        { "\na=1", "a", NULL },     { "a=1\r", "a", NULL },        { " a=1", " a", NULL },
        { "a=1 ", "a ", NULL },     { "a@b=1 ,c= 2", "c", " 2" },  { "a @b=1", "a @b", NULL },
        { "a@ b=1", "a@ b", NULL },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_members_that_are_empty_are_passed_over)
{
    static const struct row rows[] = {
        { ",a=1", "a", "1" },
        { "a=1,", "a", "1" },
        { "a=1,,,b=2", "b", "2" },
        { ",,,,a=1,,,,", "a", "1" },
        { ",", "a", NULL },
        { ",,", "", NULL },
        { " ", "a", NULL },
        { "a=1, ", "a", NULL },
        { "a=1,\t,b=2", "b", NULL },
        { " ,a=1", "a", NULL },
        { ", a=1", "a", "1" },
        { "a=1 ,", "a", "1" },
        { TIMES_50(",") "a=1" TIMES_50(","), "a", "1" },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_one_broken_member_makes_all_of_it_void)
{
    static const char *const broken[] = { "a",     "a=",         "=",     "=1",      "a==1",  "a=1=",    "A=1",
                                          "1=1",   "a=\xc3\xbc", "@=1",   "a@=1",    "@a=1",  "a@b@c=1", "a@@b=1",
                                          "a.b=1", "a:b=1",      "a;b=1", "a=1\x7f", "_a=1",  "-=1",     "*a=1",
                                          "/a=1",  "1a=1",       "a@1=1", "a@_b=1",  "_@b=1", "\xff=1" };
    for (size_t i = 0; i < WEFT_COUNT_OF(broken); i++) {
        char state[100];
        snprintf(state, sizeof state, "%s,z=1", broken[i]);
        check_validity(state, false);
        snprintf(state, sizeof state, "z=1,%s", broken[i]);
        check_validity(state, false);
        snprintf(state, sizeof state, "y=1,%s,z=1", broken[i]);
        check_validity(state, false);
    }
    check_validity("y=1,z=1", true);
    check_validity("y=1;z=1", false);
}
END_TEST

START_TEST(test_key_that_is_there_twice_makes_all_of_it_void)
{
    static const struct row rows[] = {
        { "a=1,a=1", "a", NULL },       { "a=1,a=2", "a", NULL },         { "b=1,a=1,a=2", "b", NULL },
        { "a=1,b=1,a=2", "b", NULL },   { "a=1, a=2", "a", NULL },        { "a@b=1,c=2,a@b=3", "c", NULL },
        { "a=1,a@a=2,aa=3", "a", "1" }, { "a=1,a@a=2,aa=3", "a@a", "2" }, { "a=1,b=1,c=1", "c", "1" },
        { "a@b=1,b@a=2", "b@a", "2" },  { "a@b=1,a@c=2", "a@c", "2" },    { "a=a,b=a", "b", "a" },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

START_TEST(test_keys_of_tenants)
{
    static const struct row rows[] = {
        { "fw529a3039@dt=FfIs9RcsAA8", "fw529a3039@dt", "FfIs9RcsAA8" },
        { "0@a=1", "0@a", "1" },
        { "0a-_*/9@b0-_*/=1", "0a-_*/9@b0-_*/", "1" },
        { "a@b=1", "a", NULL },
        { "a@b=1", "b", NULL },
        { "a@b=1,a=2,b=3", "a", "2" },
        { "a@b=1,a=2,b=3", "b", "3" },
        { "a@b=c@d", "a@b", "c@d" },
        { "a@0=1", "a@0", NULL },
        { "A@b=1", "A@b", NULL },
        { "a@B=1", "a@B", NULL },
        { "a@b@c=1", "a@b@c", NULL },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

/* "z=1," and a key of parts that are so long. */
static void check_key(size_t tenant_length, size_t system_length, bool is_valid)
{
    char key[600] = "";
    char state[620];
    memset(key, 't', tenant_length);
    if (system_length > 0) {
        key[tenant_length] = '@';
        memset(key + tenant_length + 1, 's', system_length);
    }
    snprintf(state, sizeof state, "z=1,%s=k", key);
    check_validity(state, is_valid);
    snprintf(state, sizeof state, "%s=k,z=1", key);
    check_validity(state, is_valid);
    char text[600];
    ck_assert_int_eq(find(weft_slice_of_text(state), weft_slice_of_text(key), text), is_valid);
}

START_TEST(test_keys_are_as_long_as_may_be)
{
    check_key(1, 0, true);
    check_key(255, 0, true);
    check_key(256, 0, true);
    check_key(257, 0, false);
    check_key(512, 0, false);
    check_key(241, 14, true);
    check_key(242, 14, false);
    check_key(241, 15, false);
    check_key(242, 1, false);
    check_key(1, 14, true);
    check_key(1, 15, false);
    check_key(241, 1, true);
}
END_TEST

START_TEST(test_values_are_as_long_as_may_be)
{
    static const struct row rows[] = {
        { "a=" TIMES_250("v") "vvvvv", "a", TIMES_250("v") "vvvvv" },
        { "a=" TIMES_250("v") "vvvvvv", "a", TIMES_250("v") "vvvvvv" },
        { "a=" TIMES_250("v") "vvvvvvv", "a", NULL },
        { "z=1,a=" TIMES_250("v") "vvvvvvv", "z", NULL },
        { "a=" TIMES_250("v") "vvvvvvv,z=1", "z", NULL },
        { "a=" TIMES_250(" ") "     v", "a", TIMES_250(" ") "     v" },
        { "a=" TIMES_250(" ") "      v", "a", NULL },
        /* Spaces around it are none of its bytes. */
        { TIMES_50(" ") "a=" TIMES_250("v") "vvvvvv" TIMES_50(" \t"), "a", TIMES_250("v") "vvvvvv" },
        { "a=1" TIMES_250(" "), "a", "1" },
        { TIMES_250(" ") "a=1", "a", "1" },
    };
    check_rows(rows, WEFT_COUNT_OF(rows));
}
END_TEST

static size_t put_members(char *to, size_t count, const char *between)
{
    size_t length = 0;
    to[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        length += (size_t)sprintf(to + length, "%sk%zu=v%zu", i == 0 ? "" : between, i, i);
    }
    return length;
}

START_TEST(test_thirty_two_members_are_the_most)
{
    static const char *const betweens[] = { ",", ",,,", " , " };
    for (size_t i = 0; i < WEFT_COUNT_OF(betweens); i++) {
        char state[600];
        char text[10] = "";
        put_members(state, 32, betweens[i]);
        ck_assert(find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k0"), text));
        ck_assert_str_eq(text, "v0");
        ck_assert(find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k31"), text));
        ck_assert_str_eq(text, "v31");
        ck_assert(!find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k32"), text));
        strcat(state, ",,");
        ck_assert(find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k31"), text));
        strcat(state, "k1=v"); /* twice, and one too many */
        ck_assert(!find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k0"), text));
        for (size_t count = 33; count < 40; count++) {
            put_members(state, count, betweens[i]);
            ck_assert(!find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k0"), text));
            ck_assert(!find(weft_slice_of_text(state), WEFT_SLICE_LITERAL("k32"), text));
        }
    }
}
END_TEST

/* ---- the grammar ---- */

static regex_t key_pattern, value_pattern;

static void compile_grammar(void)
{
    ck_assert_int_eq(regcomp(&key_pattern,
                             "^([a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})$",
                             REG_EXTENDED | REG_NOSUB),
                     0);
    ck_assert_int_eq(regcomp(&value_pattern, "^[ -+.-<>-~-]{0,255}[!-+.-<>-~-]$", REG_EXTENDED | REG_NOSUB), 0);
}

struct members {
    char keys[32][300], values[32][300];
    size_t count;
};

/* Of one member, which it may write to. */
static bool model_add(struct members *members, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || members->count == 32) {
        return false;
    }
    *equals = '\0';
    char *key = text + strspn(text, " \t");
    char *value = equals + 1;
    size_t length = strlen(value);
    while (length > 0 && strchr(" \t", value[length - 1]) != NULL) {
        value[--length] = '\0';
    }
    if (regexec(&key_pattern, key, 0, NULL, 0) != 0 || regexec(&value_pattern, value, 0, NULL, 0) != 0) {
        return false;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->keys[i], key) == 0) {
            return false;
        }
    }
    strcpy(members->keys[members->count], key);
    strcpy(members->values[members->count++], value);
    return true;
}

static bool model_read(const char *state, struct members *members)
{
    char copy[1200];
    char *rest = strcpy(copy, state);
    members->count = 0;
    for (char *text = strsep(&rest, ","); text != NULL; text = strsep(&rest, ",")) {
        if (text[0] != '\0' && !model_add(members, text)) {
            return false;
        }
    }
    return true;
}

static void put_random_state(struct random *random, char *to)
{
    static const char *const pieces[] = { "a=", "b=",     "z=1,",  "e=f,g=h,", ",", "0",  "9",   "a", "@",
                                          ",",  "c@d=~,", " ",     "\t",       "=", "_",  "-*",  "/", "A",
                                          ".",  "\n",     "i= j ", "<",        "+", "\"", "\\:", "]", "\xc3\xa4" };
    static const uint32_t commons = 11;
    uint32_t variety = random_below(random, 3) == 0 ? WEFT_COUNT_OF(pieces) : commons;
    to[0] = '\0';
    for (uint32_t i = random_below(random, 10); i > 0; i--) {
        strcat(to, pieces[random_below(random, variety)]);
    }
}

static void compare_with_grammar(const char *state, uint64_t *in_out_valid)
{
    static struct members members;
    static const char *const others[] = { "a", "z", "", "a@b", "missing" };
    bool is_valid = model_read(state, &members);
    char text[600];
    for (size_t i = 0; i < members.count; i++) {
        bool is_found = find(weft_slice_of_text(state), weft_slice_of_text(members.keys[i]), text);
        ck_assert_msg(is_found == is_valid, "\"%s\", key \"%s\"", state, members.keys[i]);
        ck_assert_msg(!is_found || strcmp(text, members.values[i]) == 0, "\"%s\": \"%s\"", state, text);
        *in_out_valid += is_found;
    }
    for (size_t i = 0; i < WEFT_COUNT_OF(others); i++) {
        bool is_member = false;
        for (size_t j = 0; j < members.count; j++) {
            is_member = is_member || strcmp(members.keys[j], others[i]) == 0;
        }
        ck_assert_msg(find(weft_slice_of_text(state), weft_slice_of_text(others[i]), text) == (is_valid && is_member),
                      "\"%s\", key \"%s\"", state, others[i]);
    }
}

START_TEST(test_random_states_are_read_by_the_grammar)
{
    struct random random = { .state = 3 };
    uint64_t found = 0;
    compile_grammar();
    for (int round = 0; round < 50000; round++) {
        char state[1200];
        put_random_state(&random, state);
        compare_with_grammar(state, &found);
    }
    ck_assert_uint_gt(found, 5000);
    regfree(&key_pattern);
    regfree(&value_pattern);
}
END_TEST

/* Long keys and values, which are at their limits or just not, and one byte of them another. */
START_TEST(test_random_long_members_are_read_by_the_grammar)
{
    static const size_t lengths[] = { 1, 2, 13, 14, 15, 240, 241, 242, 254, 255, 256, 257 };
    static const char bytes[] = "b0-@=, A~\t";
    struct random random = { .state = 5 };
    uint64_t found = 0;
    compile_grammar();
    for (int round = 0; round < 3000; round++) {
        char state[1200] = "";
        for (uint32_t part = 0; part < 3; part++) {
            strncat(state, TIMES_250("v") TIMES_10("v"), lengths[random_below(&random, WEFT_COUNT_OF(lengths))]);
            strcat(state, part == 0 ? (random_below(&random, 2) == 0 ? "@" : "=v,w") : part == 1 ? "=" : "");
        }
        if (random_below(&random, 3) == 0) {
            state[random_below(&random, (uint32_t)strlen(state))] = bytes[random_below(&random, sizeof bytes - 1)];
        }
        compare_with_grammar(state, &found);
    }
    ck_assert_uint_gt(found, 500);
    regfree(&key_pattern);
    regfree(&value_pattern);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_member_is_found_wherever_it_stands,
        test_empty_state_may_have_no_bytes,
        test_every_byte_that_a_value_may_have_is_kept,
        test_every_byte_that_a_key_may_have_is_taken,
        test_bytes_of_zero_are_none_of_a_key_or_value,
        test_spaces_and_tabs,
        test_members_that_are_empty_are_passed_over,
        test_one_broken_member_makes_all_of_it_void,
        test_key_that_is_there_twice_makes_all_of_it_void,
        test_keys_of_tenants,
        test_keys_are_as_long_as_may_be,
        test_values_are_as_long_as_may_be,
        test_thirty_two_members_are_the_most,
        test_random_states_are_read_by_the_grammar,
        test_random_long_members_are_read_by_the_grammar,
    };
    return run_tests("trace state", tests, WEFT_COUNT_OF(tests));
}
