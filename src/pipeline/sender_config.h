#pragma once

#include "base/buffer.h"
#include "config/field.h"

/* The blocks that every sending exporter shares: `sending_queue`, `retry_on_failure`, `timeout`, with the Collector's
 * keys and defaults (exporterhelper). */
enum weft_sizer { WEFT_SIZER_REQUESTS, WEFT_SIZER_ITEMS, WEFT_SIZER_BYTES };

struct weft_queue_partition_config {
    struct weft_config_strings metadata_keys;
};

struct weft_queue_batch_config {
    struct weft_duration flush_timeout;
    uint64_t min_size;
    uint64_t max_size;        /* 0 = no limit */
    struct weft_choice sizer; /* WEFT_SIZER_ITEMS or _BYTES; weft_sizer_words without the first */
    struct weft_queue_partition_config partition;
};

struct weft_queue_config {
    uint64_t num_consumers;
    uint64_t queue_size;
    struct weft_choice sizer; /* enum weft_sizer */
    bool block_on_overflow;
    bool wait_for_result;
    bool has_batch;
    struct weft_queue_batch_config batch;
};

struct weft_retry_config {
    struct weft_duration initial_interval;
    double randomization_factor;
    double multiplier;
    struct weft_duration max_interval;
    struct weft_duration max_elapsed_time; /* 0 = for ever */
};

/* Embedded in an exporter's config struct. */
struct weft_sender_config {
    bool has_queue;
    struct weft_queue_config sending_queue;
    bool has_retry;
    struct weft_retry_config retry_on_failure;
    struct weft_duration timeout; /* of one attempt; 0 = none */
};

extern const struct weft_field weft_queue_fields[];
extern const struct weft_field weft_retry_fields[];

/* Rows for the exporter's field table; config_type embeds struct weft_sender_config as `sender`. */
#define WEFT_SENDER_FIELDS(config_type, default_timeout)                                  \
    { .key = "timeout",                                                                   \
      .kind = WEFT_KIND_DURATION,                                                         \
      .offset = offsetof(config_type, sender.timeout),                                    \
      .default_text = (default_timeout),                                                  \
      .help = "Time for one attempt; 0 = no limit." },                                    \
        { .key = "sending_queue",                                                         \
          .kind = WEFT_KIND_OPTIONAL,                                                     \
          .offset = offsetof(config_type, sender.sending_queue),                          \
          .present_offset = offsetof(config_type, sender.has_queue),                      \
          .default_text = "on",                                                           \
          .help = "The queue between the pipeline and the backend.",                      \
          .fields = weft_queue_fields },                                                  \
    {                                                                                     \
        .key = "retry_on_failure", .kind = WEFT_KIND_OPTIONAL,                            \
        .offset = offsetof(config_type, sender.retry_on_failure),                         \
        .present_offset = offsetof(config_type, sender.has_retry), .default_text = "on",  \
        .help = "Repeating attempts that may succeed later.", .fields = weft_retry_fields \
    }

/* The rules between the queue's keys. */
enum weft_status weft_queue_config_validate(const struct weft_queue_config *queue,
                                            struct weft_error *error) WEFT_MUST_CHECK;

/* What an exporter with these blocks holds, as the rest of a sentence (component.h). True if the client has been
 * answered by then. */
bool weft_sender_config_explain(const struct weft_sender_config *config, struct weft_buffer *out);

/* The rules between keys (exporterhelper's Validate), said with the position of the exporter's block. */
enum weft_status weft_sender_config_validate(const struct weft_sender_config *config,
                                             struct weft_error *error) WEFT_MUST_CHECK;
