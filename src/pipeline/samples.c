/* Samples (samples.h): a short array searched linearly; a scrape has a few hundred. */
#include "pipeline/samples.h"

#include "base/alloc.h"

void weft_samples_init(struct weft_samples *samples)
{
    *samples = (struct weft_samples){ 0 };
}

static void sample_fini(struct weft_sample *sample)
{
    weft_free(sample->name);
    for (size_t i = 0; i < WEFT_SAMPLE_LABELS && sample->labels[i].name != NULL; i++) {
        weft_free((char *)sample->labels[i].name);
        weft_free((char *)sample->labels[i].value);
    }
}

void weft_samples_fini(struct weft_samples *samples)
{
    for (size_t i = 0; i < samples->count; i++) {
        sample_fini(&samples->items[i]);
    }
    weft_free(samples->items);
    weft_samples_init(samples);
}

static bool has_labels(const struct weft_sample *sample, const struct weft_sample_label *labels)
{
    size_t i = 0;
    for (; i < WEFT_SAMPLE_LABELS && sample->labels[i].name != NULL; i++) {
        if (labels[i].name == NULL || strcmp(sample->labels[i].name, labels[i].name) != 0 ||
            strcmp(sample->labels[i].value, labels[i].value) != 0) {
            return false;
        }
    }
    return i == WEFT_SAMPLE_LABELS || labels[i].name == NULL;
}

static struct weft_sample *find_or_add(struct weft_samples *samples, const char *name, const char *help,
                                       enum weft_sample_type type, const struct weft_sample_label *labels)
{
    for (size_t i = 0; i < samples->count; i++) {
        if (strcmp(samples->items[i].name, name) == 0 && has_labels(&samples->items[i], labels)) {
            return &samples->items[i];
        }
    }
    if (weft_try_grow(&samples->items, sizeof *samples->items, samples->count, &samples->capacity) != WEFT_OK) {
        return NULL;
    }
    struct weft_sample *sample = &samples->items[samples->count++];
    *sample = (struct weft_sample){ .name = weft_alloc_string(name), .help = help, .type = type };
    for (size_t i = 0; i < WEFT_SAMPLE_LABELS && labels[i].name != NULL; i++) {
        sample->labels[i].name = weft_alloc_string(labels[i].name);
        sample->labels[i].value = weft_alloc_string(labels[i].value);
    }
    return sample;
}

void weft_samples_add(struct weft_samples *samples, const char *name, const char *help, enum weft_sample_type type,
                      double value, const struct weft_sample_label *labels)
{
    struct weft_sample *sample = find_or_add(samples, name, help, type, labels);
    if (sample != NULL) {
        sample->value += value;
    }
}

void weft_samples_set(struct weft_samples *samples, const char *name, const char *help, enum weft_sample_type type,
                      double value, const struct weft_sample_label *labels)
{
    struct weft_sample *sample = find_or_add(samples, name, help, type, labels);
    if (sample != NULL) {
        sample->value = value;
    }
}
