#pragma once

#include "join_numbered.h"

/* Traces and log lines with words that join them. */
#define WORDS "aliases: {families: [job_id, request_id, inngest, runpod, comfyui, links]}\n"

static const uint32_t worker_counts[] = { 1, 2, 4 };

#define EACH_WORKER_COUNT(count)                                 \
    for (size_t i_ = 0; i_ < WEFT_COUNT_OF(worker_counts); i_++) \
        for (uint32_t count = worker_counts[i_]; count != 0; count = 0)

static inline struct join_record with_word(struct join_record record, const char *key, const char *word)
{
    record.key = key;
    record.word = word;
    return record;
}

static inline struct join_record with_links(struct join_record record, const uint8_t *ids, uint32_t count)
{
    record.links = ids;
    record.link_count = count;
    return record;
}

static inline struct join_record failed(struct join_record record)
{
    record.status = 2;
    return record;
}

static inline uint32_t offer(uint32_t worker, struct join_record record)
{
    ck_assert_int_eq(offer_one(worker, record), WEFT_OK);
    return record.number;
}

/* A span of the trace, with the job's id. */
static inline uint32_t offer_job(uint32_t worker, uint32_t trace, const char *job, bool is_failed)
{
    struct join_record span = with_word(span_of(trace, 0), "job_id", job);
    return offer(worker, is_failed ? failed(span) : span);
}

/* A log line without a trace id, with a word. */
static inline uint32_t offer_line(uint32_t worker, size_t pipeline, const char *key, const char *word)
{
    struct join_record line = with_word(line_of(0, pipeline), key, word);
    line.trace_id = NULL;
    return offer(worker, line);
}

/* Time passes, and mail is delivered all the while. */
static inline void pass_time(int64_t ms)
{
    for (int64_t i = 0; i < ms; i += 5) {
        join_deliver_all();
        advance(5 * WEFT_NS_PER_MS);
    }
    join_deliver_all();
    advance(0);
}

static inline void expect_out(uint32_t number, unsigned count)
{
    ck_assert_msg(seen[number] == count, "%u workers: record %u came out %u times, not %u", join->worker_count, number,
                  seen[number], count);
}

static inline double sample_of(const char *name)
{
    struct weft_samples samples;
    double value = 0;
    weft_samples_init(&samples);
    for (uint32_t w = 0; w < join->worker_count; w++) {
        weft_processor_tail_sampling.collect_stage(join->cores[w], &samples);
    }
    for (size_t i = 0; i < samples.count; i++) {
        value += strcmp(samples.items[i].name, name) == 0 ? samples.items[i].value : 0;
    }
    weft_samples_fini(&samples);
    return value;
}

static inline void expect_sample(const char *name, double value)
{
    ck_assert_msg(sample_of(name) == value, "%u workers: %s is %g, not %g", join->worker_count, name, sample_of(name),
                  value);
}

static inline bool is_late_member(uint32_t trace)
{
    struct weft_trace_answer answer = join_ask(id_of(trace));
    weft_buffer_append_byte(&answer.json, '\0');
    bool is_late = strstr((const char *)answer.json.bytes, "\"late_member\":true") != NULL;
    weft_buffer_fini(&answer.json);
    weft_buffer_fini(&answer.group.json);
    weft_buffer_fini(&answer.group.nodes);
    return is_late;
}

/* Until nothing is held; by force without the answers of others. */
static inline void drain_with_mail(bool is_forced)
{
    for (int round = 0; round < 100 && join_held() > 0; round++) {
        for (uint32_t w = 0; w < join->worker_count; w++) {
            for (size_t p = 0; p < JOIN_PIPELINES; p++) {
                join->faces[w][p]->operations->drain(join->faces[w][p], WEFT_DROP_SHUTDOWN, is_forced);
            }
        }
        if (!is_forced) {
            join_deliver_all();
        }
        advance(WEFT_NS_PER_MS);
    }
    ck_assert_uint_eq(join_held(), 0);
}
