/* Sizes in bytes with units, as the Collector's log operators take them. */
#include <check.h>

#include "config/byte_size.h"
#include "suite.h"

static const struct {
    const char *text;
    uint64_t bytes;
} good_cases[] = {
    { "0", 0 },
    { "1048576", 1048576 },
    { "1MiB", 1048576 },
    { "1mib", 1048576 },
    { "1 MB", 1000000 },
    { "16KB", 16000 },
    { "1.5KiB", 1536 },
    { "0.3KB", 300 },
    { "2.1kb", 2100 },
    { "1.KiB", 1024 },
    { "2GiB", 2147483648 },
    { "1tb", 1000000000000 },
    { "1PiB", UINT64_C(1125899906842624) },
};

START_TEST(test_sizes_are_read)
{
    uint64_t bytes = 7;
    ck_assert_msg(weft_byte_size_parse(good_cases[_i].text, &bytes), "%s", good_cases[_i].text);
    ck_assert_uint_eq(bytes, good_cases[_i].bytes);
}
END_TEST

static const char *const bad_cases[] = { "",    "MiB",   "-1", "1K",   "1Mi", "1b",
                                         "1XB", "1MiBs", " 1", ".5KB", "1e3", "9000000PiB" };

START_TEST(test_what_is_no_size_is_refused)
{
    uint64_t bytes = 7;
    ck_assert_msg(!weft_byte_size_parse(bad_cases[_i], &bytes), "%s", bad_cases[_i]);
    ck_assert_uint_eq(bytes, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("byte_size");
    TCase *tcase = tcase_create("parse");
    tcase_add_loop_test(tcase, test_sizes_are_read, 0, sizeof good_cases / sizeof good_cases[0]);
    tcase_add_loop_test(tcase, test_what_is_no_size_is_refused, 0, sizeof bad_cases / sizeof bad_cases[0]);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
