/* Field tables and cross-key rules of the shared exporter blocks (sender_config.h). */
#include "pipeline/sender_config.h"

#include "pipeline/metadata_combination.h"

static const char *const sizer_words[] = { "requests", "items", "bytes", NULL };
static const char *const batch_sizer_words[] = { "", "items", "bytes", NULL };

static const struct weft_field partition_fields[] = {
    WEFT_FIELD(struct weft_queue_partition_config, metadata_keys, NULL,
               "Collect apart what came by requests that differ in these headers (see include_metadata); of 1000 "
               "batches on each worker that have begun the oldest goes for another one."),
    WEFT_FIELDS_END,
};

static const struct weft_field queue_batch_fields[] = {
    WEFT_FIELD(struct weft_queue_batch_config, flush_timeout, "200ms", "Send a smaller batch after this time."),
    WEFT_FIELD(struct weft_queue_batch_config, min_size, "8192", "Send once this much is collected, in sizer units."),
    WEFT_FIELD(struct weft_queue_batch_config, max_size, "0", "Split batches above this size; 0 = never."),
    WEFT_FIELD_CHOICE(struct weft_queue_batch_config, sizer, batch_sizer_words, "",
                      "What min_size and max_size count; the queue's sizer if that was set, else items."),
    WEFT_FIELD_BLOCK(struct weft_queue_batch_config, partition, partition_fields, "Batches by request metadata."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_queue_fields[] = {
    WEFT_FIELD(struct weft_queue_config, num_consumers, "10",
               "Requests to the backend under way at once, over all workers."),
    WEFT_FIELD(struct weft_queue_config, queue_size, "1000", "Capacity in sizer units, over all workers."),
    WEFT_FIELD_CHOICE(struct weft_queue_config, sizer, sizer_words, "requests", "What queue_size counts."),
    WEFT_FIELD(struct weft_queue_config, block_on_overflow, "false",
               "When full, stop reading from the clients instead of refusing."),
    WEFT_FIELD(struct weft_queue_config, wait_for_result, "false", "Answer the client only with the backend's answer."),
    WEFT_FIELD_OPTIONAL(struct weft_queue_config, batch, has_batch, queue_batch_fields, "off", "Batching in the queue.",
                        .is_off_as_null = true),
    WEFT_FIELD_UNSUPPORTED("storage", "A queue that survives restarts."),
    WEFT_FIELDS_END,
};

const struct weft_field weft_retry_fields[] = {
    WEFT_FIELD(struct weft_retry_config, initial_interval, "5s", "Pause before the first repetition."),
    WEFT_FIELD(struct weft_retry_config, randomization_factor, "0.5", "Each pause varies by this share, 0 to 1.",
               .maximum = 1),
    WEFT_FIELD(struct weft_retry_config, multiplier, "1.5",
               "Each pause is this much longer than the one before; 0: all are the same."),
    WEFT_FIELD(struct weft_retry_config, max_interval, "30s", "Longest pause."),
    WEFT_FIELD(struct weft_retry_config, max_elapsed_time, "5m", "Give up after this time; 0 = never."),
    WEFT_FIELDS_END,
};

enum weft_status weft_queue_config_validate(const struct weft_queue_config *queue, struct weft_error *error)
{
    if (queue->num_consumers == 0) {
        return weft_fail(error, WEFT_INVALID, "sending_queue: num_consumers must be positive");
    }
    if (queue->queue_size == 0) {
        return weft_fail(error, WEFT_INVALID, "sending_queue: queue_size must be positive");
    }
    if (!queue->has_batch) {
        return WEFT_OK;
    }
    const struct weft_queue_batch_config *batch = &queue->batch;
    if (batch->flush_timeout.ns <= 0) {
        return weft_fail(error, WEFT_INVALID, "sending_queue::batch: flush_timeout must be positive");
    }
    if (batch->max_size > 0 && batch->max_size < batch->min_size) {
        return weft_fail(error, WEFT_INVALID,
                         "sending_queue::batch: max_size must be greater than or equal to min_size");
    }
    enum weft_sizer batch_sizer = (enum weft_sizer)batch->sizer.value;
    int queue_sizer = queue->sizer.value;
    bool has_same_sizer =
        queue_sizer != WEFT_SIZER_REQUESTS && (batch_sizer == (enum weft_sizer)queue_sizer || batch_sizer == 0);
    if (has_same_sizer && batch->min_size > queue->queue_size) {
        return weft_fail(error, WEFT_INVALID, "sending_queue::batch: min_size must be at most queue_size");
    }
    return weft_metadata_keys_validate(&batch->partition.metadata_keys, error);
}

static enum weft_status validate_retry(const struct weft_retry_config *retry, struct weft_error *error)
{
    if (retry->initial_interval.ns < 0 || retry->max_interval.ns < 0 || retry->max_elapsed_time.ns < 0) {
        return weft_fail(error, WEFT_INVALID, "retry_on_failure: intervals must not be negative");
    }
    if (retry->randomization_factor < 0 || retry->randomization_factor > 1) {
        return weft_fail(error, WEFT_INVALID, "retry_on_failure: randomization_factor must be within 0 and 1");
    }
    if (retry->multiplier < 0) {
        return weft_fail(error, WEFT_INVALID, "retry_on_failure: multiplier must not be negative");
    }
    if (retry->max_elapsed_time.ns > 0 && (retry->max_elapsed_time.ns < retry->initial_interval.ns ||
                                           retry->max_elapsed_time.ns < retry->max_interval.ns)) {
        return weft_fail(error, WEFT_INVALID,
                         "retry_on_failure: max_elapsed_time must be at least initial_interval (5s by default) and "
                         "max_interval (30s by default)");
    }
    return WEFT_OK;
}

enum weft_status weft_sender_config_validate(const struct weft_sender_config *config, struct weft_error *error)
{
    enum weft_status status = config->has_queue ? weft_queue_config_validate(&config->sending_queue, error) : WEFT_OK;
    if (status == WEFT_OK) { /* also where it is switched off */
        status = validate_retry(&config->retry_on_failure, error);
    }
    if (status == WEFT_OK && config->timeout.ns < 0) {
        status = weft_fail(error, WEFT_INVALID, "timeout must not be negative");
    }
    return status;
}

static void explain_retry(const struct weft_sender_config *config, struct weft_buffer *out)
{
    const struct weft_retry_config *retry = &config->retry_on_failure;
    if (!config->has_retry) {
        weft_buffer_append_text(out, ", each tried once");
    } else if (retry->max_elapsed_time.ns == 0) {
        weft_buffer_append_text(out, ", each tried until the backend takes it (max_elapsed_time)");
    } else {
        weft_buffer_append_format(out, ", each tried for %g s (max_elapsed_time)",
                                  (double)retry->max_elapsed_time.ns / 1e9);
    }
}

bool weft_sender_config_explain(const struct weft_sender_config *config, struct weft_buffer *out)
{
    const struct weft_queue_config *queue = &config->sending_queue;
    if (!config->has_queue) {
        weft_buffer_append_text(out, "holds what is being sent, whose clients wait for the answer");
        explain_retry(config, out);
        return false;
    }
    weft_buffer_append_format(out, "holds up to %llu %s that wait or are being sent, over all workers (sending_queue)",
                              (unsigned long long)queue->queue_size, sizer_words[queue->sizer.value]);
    if (queue->has_batch) {
        weft_buffer_append_format(out, ", collected for %g s at most (batch.flush_timeout)",
                                  (double)queue->batch.flush_timeout.ns / 1e9);
    }
    explain_retry(config, out);
    return !queue->wait_for_result;
}
