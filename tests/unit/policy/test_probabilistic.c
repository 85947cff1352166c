/* Policy probabilistic beside the Collector's: hashes and thresholds as its 0.158 computes them. */
#include "policy/policy_test.h"

#include "policy/policy_internal.h"

struct vector {
    const char *salt;
    const char *trace_id;
    const char *below, *above; /* percentages on both sides of the hash */
};

static const struct vector vectors[] = {
    { "", "4bf92f3577b34da6a3ce929d0e0e4736", "64.558718962", "64.558718964" },
    { "", "0102030405060708090a0b0c0d0e0f10", "85.863332944", "85.863332946" },
    { "", "5b8efff798038103d269b633813fc60c", "58.571570053", "58.571570055" },
    { "default-hash-seed", "00000000000000000000000000000001", "88.118302421", "88.118302423" },
    { "default-hash-seed", "00000000000000000000000000000000", "88.118308382", "88.118308384" },
    { "", "ffffffffffffffffffffffffffffffff", "9.275456973", "9.275456975" },
    { "tier-2", "4bf92f3577b34da6a3ce929d0e0e4736", "81.421936083", "81.421936085" },
    { "tier-2", "5b8efff798038103d269b633813fc60c", "0.779956134", "0.779956136" },
    { "tier-2", "0af7651916cd43dd8448eb211c80319c", "87.422393025", "87.422393027" },
};

static bool is_kept(const char *salt, const char *percentage, const char *trace_id)
{
    struct policy_test test;
    struct weft_policy_decision decision;
    uint8_t bytes[16];
    char *list = weft_alloc_format("  - {name: p, type: probabilistic, probabilistic: {hash_salt: \"%s\", "
                                   "sampling_percentage: %s}}",
                                   salt, percentage);
    for (size_t i = 0; i < sizeof bytes; i++) {
        char digits[] = { trace_id[2 * i], trace_id[2 * i + 1], '\0' };
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    policy_test_open(&test, list);
    struct weft_policy_trace trace = { .trace_id = bytes, .facts = test.facts };
    weft_policy_set_decide(test.set, &trace, &decision);
    policy_test_close(&test);
    weft_free(list);
    return decision.is_kept;
}

START_TEST(test_a_trace_is_kept_from_its_hash_on)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(vectors); i++) {
        const struct vector *vector = &vectors[i];
        ck_assert_msg(!is_kept(vector->salt, vector->below, vector->trace_id), "%s", vector->trace_id);
        ck_assert_msg(is_kept(vector->salt, vector->above, vector->trace_id), "%s", vector->trace_id);
    }
}
END_TEST

START_TEST(test_all_and_none)
{
    static const char id[] = "00000000000000000000000000000001";
    ck_assert(is_kept("", "100", id));
    ck_assert(is_kept("", "1000", id));
    ck_assert(is_kept("", ".inf", id));
    ck_assert(!is_kept("", "0", id));
    ck_assert(!is_kept("", "-5", id));
    policy_test_refuse("  - {name: p, type: probabilistic, probabilistic: {sampling_percentage: .nan}}", WEFT_INVALID,
                       "test.yaml:2: policy \"p\": sampling_percentage is not a number");
}
END_TEST

START_TEST(test_thresholds_are_exact_to_the_last_bit)
{
    static const struct {
        const char *percentage;
        uint64_t threshold;
    } thresholds[] = {
        { "10", UINT64_C(0x19999999999999ff) },
        { "50", UINT64_C(0x7fffffffffffffff) },
        { "50.5", UINT64_C(0x8147ae147ae147ff) },
        { "33.3333333333", UINT64_C(0x5555555554f77fff) },
        { "99.999", UINT64_C(0xffff583a53b8dfff) },
        { "0.1", UINT64_C(0x4189374bc6a7ef) },
        { "1e-09", UINT64_C(0xafebff0) },
        { "99.99999999999999", UINT64_C(0xfffffffffffff7ff) },
        { "5e-18", 0 },
        { "1e-300", 0 },
        { "33.333333333333336", UINT64_C(0x55555555555557ff) },
        { "66.7", UINT64_C(0xaac083126e978fff) },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(thresholds); i++) {
        struct policy_test test;
        char *list = weft_alloc_format("  - {name: p, type: probabilistic, probabilistic: {sampling_percentage: %s}}",
                                       thresholds[i].percentage);
        policy_test_open(&test, list);
        ck_assert_uint_eq(test.set->policies[0].node.threshold, thresholds[i].threshold);
        policy_test_close(&test);
        weft_free(list);
    }
}
END_TEST

int main(void)
{
    const struct policy_test_case tests[] = {
        POLICY_TEST(test_a_trace_is_kept_from_its_hash_on),
        POLICY_TEST(test_all_and_none),
        POLICY_TEST(test_thresholds_are_exact_to_the_last_bit),
    };
    return POLICY_TEST_RUN("probabilistic", tests);
}
