/* The list of a --feature-gates: signs, commas, and ids that are not there. */
#include "config/gates.h"
#include "suite.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static char told[100];

static void note(void *context, const char *id, int length)
{
    ck_assert_ptr_eq(context, told);
    snprintf(told + strlen(told), sizeof told - strlen(told), "%.*s;", length, id);
}

START_TEST(test_a_list_opens_and_closes_gates)
{
    static const struct {
        const char *list;
        unsigned before, after;
        const char *unknown;
    } rows[] = {
        { "", 0, 0, "" },
        { "service.profilesSupport", 0, WEFT_GATE_PROFILES, "" },
        { "+service.profilesSupport", 0, WEFT_GATE_PROFILES, "" },
        { "-service.profilesSupport", WEFT_GATE_PROFILES, 0, "" },
        { "service.profilesSupport,-service.profilesSupport", 0, 0, "" },
        { "a,+b,-c,,service.profilesSupport,", 0, WEFT_GATE_PROFILES, "a;b;c;" },
        { "service.profilesSuppor", WEFT_GATE_PROFILES, WEFT_GATE_PROFILES, "service.profilesSuppor;" },
        { "+,-", 0, 0, ";;" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned gates = rows[i].before;
        told[0] = '\0';
        weft_gates_read(rows[i].list, &gates, note, told);
        ck_assert_uint_eq(gates, rows[i].after);
        ck_assert_str_eq(told, rows[i].unknown);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gates");
    TCase *tcase = tcase_create("gates");
    tcase_add_test(tcase, test_a_list_opens_and_closes_gates);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
