/* The statistics of redactions: a row a rule, from samples among others. */
#include "admin/redactions_report.h"

#include "admin_test.h"

static struct weft_samples samples;

static void add(const char *processor, const char *rule, double values, double limits)
{
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "processor", processor }, { "signal", "traces" }, { "rule", rule });
    weft_samples_add(&samples, WEFT_SAMPLE_RULE_VALUES, "", WEFT_SAMPLE_COUNTER, values, labels);
    weft_samples_add(&samples, WEFT_SAMPLE_RULE_LIMITS, "", WEFT_SAMPLE_COUNTER, limits, labels);
    weft_samples_add(&samples, "weft_other", "", WEFT_SAMPLE_COUNTER, 1, labels);
}

START_TEST(test_each_rule_has_a_row)
{
    weft_samples_init(&samples);
    for (size_t worker = 0; worker < 2; worker++) {
        add("redaction", "detector email", 1000000000, 0);
        add("redaction/two", "rules[0]", 3, worker);
    }
    weft_redactions_write_text(&samples, &out);
    out_expect("redactions, in values since this process started:\n"
               "  processor      signal  rule                  values  limits\n"
               "  redaction      traces  detector email    2000000000       0\n"
               "  redaction/two  traces  rules[0]                   6       1\n");
    weft_redactions_write_json(&samples, &out);
    out_expect(
        "[{\"processor\":\"redaction\",\"signal\":\"traces\",\"rule\":\"detector email\",\"values\":2000000000,"
        "\"limits\":0},{\"processor\":\"redaction/two\",\"signal\":\"traces\",\"rule\":\"rules[0]\",\"values\":6,"
        "\"limits\":1}]");
    weft_samples_fini(&samples);
}
END_TEST

START_TEST(test_without_rules_that_is_said)
{
    weft_samples_init(&samples);
    weft_redactions_write_text(&samples, &out);
    out_expect("redactions: there is no rule\n");
    weft_redactions_write_json(&samples, &out);
    out_expect("[]");
    weft_samples_fini(&samples);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, test_each_rule_has_a_row);
    tcase_add_test(tests, test_without_rules_that_is_said);
}

int main(void)
{
    return admin_run("admin/redactions_report", add_tests);
}
