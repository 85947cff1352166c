#pragma once

#include <stdarg.h>

#include "join_records.h"

/* Random lists of policies, as YAML and as what they mean: the Collector's documentation, in a few lines. */
enum { POLICIES_MAX = 5, PARTS_MAX = 2, LATENCY_MS = 103 };

enum model_kind { MODEL_ALWAYS, MODEL_LATENCY, MODEL_STATUS, MODEL_ROUTE, MODEL_ENVIRONMENT, MODEL_HALF, MODEL_KINDS };

struct model_policy {
    bool is_and, is_drop;
    enum model_kind parts[PARTS_MAX]; /* one, unless it is `and` or `drop` */
    size_t part_count;
};

struct model_policies {
    struct model_policy items[POLICIES_MAX];
    size_t count;
};

/* What a trace has, gathered from all its spans. */
struct model_facts {
    uint64_t start_ns, end_ns;
    bool has_error, has_route, has_environment;
};

static inline void facts_add(struct model_facts *facts, const struct join_record *span)
{
    facts->start_ns = facts->start_ns == 0 || span->start_ns < facts->start_ns ? span->start_ns : facts->start_ns;
    facts->end_ns = span->end_ns > facts->end_ns ? span->end_ns : facts->end_ns;
    facts->has_error = facts->has_error || span->status == 2;
    facts->has_route = facts->has_route || (span->route != NULL && strcmp(span->route, "/pay") == 0);
    facts->has_environment = facts->has_environment || strcmp(join_environment(span->resource), "prod") == 0;
}

/* FNV-1a over the salt and the id, held against a share of all numbers. */
static inline bool is_in_half(const uint8_t *trace_id)
{
    static const char salt[] = "default-hash-seed";
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof salt - 1 + 16; i++) {
        hash ^= i < sizeof salt - 1 ? (uint8_t)salt[i] : trace_id[i - (sizeof salt - 1)];
        hash *= UINT64_C(1099511628211);
    }
    return hash <= UINT64_MAX / 2;
}

static inline bool part_holds(enum model_kind kind, const struct model_facts *facts, const uint8_t *trace_id)
{
    switch (kind) {
    case MODEL_ALWAYS:
        return true;
    case MODEL_LATENCY:
        return facts->end_ns > facts->start_ns &&
               (facts->end_ns - facts->start_ns) / (uint64_t)WEFT_NS_PER_MS > LATENCY_MS;
    case MODEL_STATUS:
        return facts->has_error;
    case MODEL_ROUTE:
        return facts->has_route;
    case MODEL_ENVIRONMENT:
        return facts->has_environment;
    case MODEL_HALF:
        return is_in_half(trace_id);
    case MODEL_KINDS:
        break;
    }
    return false;
}

static inline bool policy_holds(const struct model_policy *policy, const struct model_facts *facts,
                                const uint8_t *trace_id)
{
    for (size_t i = 0; i < policy->part_count; i++) {
        if (!part_holds(policy->parts[i], facts, trace_id)) {
            return false;
        }
    }
    return true;
}

/* Whether the trace is kept, and the policy that said so; -1 = none did. */
static inline bool model_decide(const struct model_policies *policies, const struct model_facts *facts,
                                const uint8_t *trace_id, int *out_policy)
{
    for (int drops = 1; drops >= 0; drops--) {
        for (size_t i = 0; i < policies->count; i++) {
            if (policies->items[i].is_drop == (drops == 1) && policy_holds(&policies->items[i], facts, trace_id)) {
                *out_policy = (int)i;
                return drops == 0;
            }
        }
    }
    *out_policy = -1;
    return false;
}

/* ---- as YAML ---- */

struct join_text {
    char bytes[4096];
    size_t length;
};

static inline void WEFT_PRINTF(2, 3) put_text(struct join_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text->length += (size_t)vsnprintf(text->bytes + text->length, sizeof text->bytes - text->length, format, arguments);
    va_end(arguments);
    ck_assert_uint_lt(text->length, sizeof text->bytes);
}

static inline void put_kind(struct join_text *text, enum model_kind kind)
{
    static const char *const kinds[] = {
        [MODEL_ALWAYS] = "type: always_sample",
        [MODEL_LATENCY] = "type: latency, latency: {threshold_ms: 103}",
        [MODEL_STATUS] = "type: status_code, status_code: {status_codes: [ERROR]}",
        [MODEL_ROUTE] = "type: string_attribute, string_attribute: {key: route, values: [\"/pay\"]}",
        [MODEL_ENVIRONMENT] = "type: string_attribute, string_attribute: {key: environment, values: [prod]}",
        [MODEL_HALF] = "type: probabilistic, probabilistic: {sampling_percentage: 50}",
    };
    put_text(text, "%s", kinds[kind]);
}

static inline void put_policies(struct join_text *text, const struct model_policies *policies)
{
    put_text(text, "policies:\n");
    for (size_t i = 0; i < policies->count; i++) {
        const struct model_policy *policy = &policies->items[i];
        put_text(text, "  - {name: p%zu, ", i);
        if (!policy->is_and && !policy->is_drop) {
            put_kind(text, policy->parts[0]);
        } else {
            const char *word = policy->is_and ? "and" : "drop";
            put_text(text, "type: %s, %s: {%s_sub_policy: [", word, word, word);
            for (size_t part = 0; part < policy->part_count; part++) {
                put_text(text, "%s{name: s%zu, ", part == 0 ? "" : ", ", part);
                put_kind(text, policy->parts[part]);
                put_text(text, "}");
            }
            put_text(text, "]}");
        }
        put_text(text, "}\n");
    }
}
