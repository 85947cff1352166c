/* gRPC's text formats and status tables. */
#include <check.h>
#include <string.h>

#include "net/grpc/decode.h"
#include "suite.h"

START_TEST(test_timeouts_use_the_finest_unit_of_eight_digits)
{
    static const struct {
        int64_t timeout_ns;
        const char *text;
    } cases[] = { { 1, "1n" },
                  { 99999999, "99999999n" },
                  { 100000000, "100000u" },
                  { 100000001, "100001u" }, /* rounded up */
                  { INT64_C(10000000000), "10000000u" },
                  { INT64_C(99999999000), "99999999u" },
                  { INT64_C(99999999001), "100000m" },
                  { INT64_C(100000000000000), "100000S" },
                  { INT64_C(9000000000000000000), "2500000H" },
                  { INT64_MAX, "2562048H" } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        char text[WEFT_GRPC_TIMEOUT_BYTES];
        weft_grpc_format_timeout(cases[i].timeout_ns, text);
        ck_assert_str_eq(text, cases[i].text);
        ck_assert_uint_le(strlen(text), 9);
    }
}
END_TEST

START_TEST(test_message_is_percent_decoded)
{
    static const struct {
        const char *encoded, *decoded;
    } cases[] = {
        { "", "" },     { "plain", "plain" }, { "a%20b", "a b" }, { "%41%4a%4A", "AJJ" }, { "100%", "100%" },
        { "%4", "%4" }, { "%G1x", "%G1x" },   { "%00", "?" },     { "%25%32%35", "%25" }, { "0123456789", "0123456" }
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        char text[8];
        weft_grpc_decode_message(weft_slice_of_text(cases[i].encoded), text, sizeof text);
        ck_assert_str_eq(text, cases[i].decoded);
    }
}
END_TEST

START_TEST(test_status_text_is_parsed)
{
    static const struct {
        const char *text;
        int status;
    } cases[] = { { "0", 0 }, { "16", 16 }, { "17", 2 },  { "999999999", 2 }, { "9999999999", -1 },
                  { "", -1 }, { "-1", -1 }, { "1x", -1 }, { " 1", -1 } };
    for (size_t i = 0; i < WEFT_COUNT_OF(cases); i++) {
        ck_assert_int_eq(weft_grpc_parse_status(weft_slice_of_text(cases[i].text)), cases[i].status);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("net/grpc_decode");
    TCase *tcase = tcase_create("grpc_decode");
    tcase_add_test(tcase, test_timeouts_use_the_finest_unit_of_eight_digits);
    tcase_add_test(tcase, test_message_is_percent_decoded);
    tcase_add_test(tcase, test_status_text_is_parsed);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
