#pragma once

#include "base/buffer.h"

/* Numbers for /metrics, gathered worker by worker: the same name and labels from several workers add up. The text form
 * is written by the admin floor. */
enum weft_sample_type { WEFT_SAMPLE_COUNTER, WEFT_SAMPLE_GAUGE };

struct weft_sample_label {
    const char *name;
    const char *value;
};

enum { WEFT_SAMPLE_LABELS = 4 };

/* Those by processor, signal and rule that `weft ledger --redactions` shows, too. */
#define WEFT_SAMPLE_RULE_VALUES "weft_redaction_rule_values"
#define WEFT_SAMPLE_RULE_LIMITS "weft_redaction_rule_limits"

struct weft_sample {
    char *name;
    const char *help; /* static text */
    enum weft_sample_type type;
    struct weft_sample_label labels[WEFT_SAMPLE_LABELS]; /* copied; unused ones have a NULL name */
    double value;
};

struct weft_samples {
    struct weft_sample *items;
    size_t count, capacity;
};

void weft_samples_init(struct weft_samples *samples);
void weft_samples_fini(struct weft_samples *samples);

/* label: pairs ended by a NULL name; at most WEFT_SAMPLE_LABELS. help is static. Out of memory: the sample is left out.
 */
void weft_samples_add(struct weft_samples *samples, const char *name, const char *help, enum weft_sample_type type,
                      double value, const struct weft_sample_label *labels);

/* Sets instead of adding: for numbers that every worker sees the same (a shared queue's fill). */
void weft_samples_set(struct weft_samples *samples, const char *name, const char *help, enum weft_sample_type type,
                      double value, const struct weft_sample_label *labels);

#define WEFT_LABELS(...) ((const struct weft_sample_label[]){ __VA_ARGS__, { NULL, NULL } })
