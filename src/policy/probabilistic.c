/* Policy `probabilistic`: keeps a share of the traces, by a hash of the trace id: FNV-1a of 64 bits over the salt and
 * the 16 bytes, kept if at most share * (2^64 - 1). Bit for bit as in the Collector, so that a weft in its place keeps
 * the same traces. Not consistent with samplers that compare R with T: no `th` may be written for it. */
#include "policy/policy_internal.h"

#include <math.h>

static const char default_salt[] = "default-hash-seed";

enum { TRACE_ID_BYTES = 16, MANTISSA_BITS = 53 };

static const uint64_t fnv_start = UINT64_C(0xcbf29ce484222325);
static const uint64_t fnv_prime = UINT64_C(0x100000001b3);

static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ bytes[i]) * fnv_prime;
    }
    return hash;
}

/* ratio * (2^64 - 1), rounded to 64 binary digits, ties to even, then cut to a whole number: what the Collector gets
 * from Go's big.Float. ratio is over 0 and under 1. */
static uint64_t share_of_all(double ratio)
{
    int exponent;
    uint64_t mantissa = (uint64_t)ldexp(frexp(ratio, &exponent), MANTISSA_BITS);
    unsigned __int128 product = (unsigned __int128)mantissa * UINT64_MAX;
    int shift = MANTISSA_BITS - exponent; /* the result is product / 2^shift; at least 53, since ratio < 1 */
    int extra = 0;                        /* digits over 64 */
    while (product >> extra >> 64 != 0) {
        extra++;
    }
    if (extra > 0) {
        unsigned __int128 rest = product & (((unsigned __int128)1 << extra) - 1);
        unsigned __int128 half = (unsigned __int128)1 << (extra - 1);
        product >>= extra;
        product += rest > half || (rest == half && (product & 1) != 0);
        shift -= extra;
    }
    return shift >= 128 ? 0 : shift <= 0 ? (uint64_t)(product << -shift) : (uint64_t)(product >> shift);
}

static enum weft_status make(struct weft_policy_set *set, const struct weft_policy_item_config *config,
                             struct weft_policy_node *node, struct weft_error *error)
{
    const struct weft_policy_probabilistic_config *wanted = &config->policy.probabilistic;
    const char *salt = wanted->hash_salt[0] == '\0' ? default_salt : wanted->hash_salt;
    double ratio = wanted->sampling_percentage / 100;
    (void)set;
    if (isnan(ratio)) {
        return weft_fail(error, WEFT_INVALID, "sampling_percentage is not a number");
    }
    node->hash = hash_bytes(fnv_start, (const uint8_t *)salt, strlen(salt));
    node->threshold = ratio >= 1 ? UINT64_MAX : ratio > 0 ? share_of_all(ratio) : 0;
    return WEFT_OK;
}

static enum weft_policy_answer decide(const struct weft_policy_node *node, const struct weft_policy_trace *trace)
{
    return hash_bytes(node->hash, trace->trace_id, TRACE_ID_BYTES) <= node->threshold ? WEFT_POLICY_YES
                                                                                      : WEFT_POLICY_NO;
}

const struct weft_policy_kind weft_policy_probabilistic = {
    .type = "probabilistic", .places = WEFT_POLICY_ANYWHERE, .make = make, .decide = decide
};
