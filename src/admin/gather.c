/* The question's own memory (gather.h); the worker floor carries it round. */
#include "admin/gather.h"

#include "base/alloc.h"

struct weft_gather *weft_gather_new(void (*on_gathered)(struct weft_gather *gather), void *context)
{
    struct weft_gather *gather = weft_alloc(sizeof *gather);
    gather->on_gathered = on_gathered;
    gather->context = context;
    weft_samples_init(&gather->samples);
    weft_buffer_init(&gather->disagreements, 0);
    return gather;
}

void weft_gather_free(struct weft_gather *gather)
{
    weft_samples_fini(&gather->samples);
    weft_buffer_fini(&gather->disagreements);
    for (size_t i = 0; i < gather->check_count; i++) {
        weft_free(gather->checks[i].name);
        weft_free(gather->checks[i].text);
    }
    weft_free(gather->checks);
    if (gather->question != NULL) {
        gather->question->free(gather->question);
    }
    if (gather->drops != NULL) {
        weft_drops_summary_fini(gather->drops);
        weft_free(gather->drops);
    }
    weft_free(gather);
}

void weft_gather_add_check(struct weft_gather *gather, const char *name, const char *text)
{
    for (size_t i = 0; i < gather->check_count; i++) {
        struct weft_check *check = &gather->checks[i];
        if (strcmp(check->name, name) == 0) {
            if (strcmp(check->text, "ok") == 0) {
                weft_free(check->text);
                check->text = weft_alloc_string(text);
            }
            return;
        }
    }
    if (weft_try_grow(&gather->checks, sizeof *gather->checks, gather->check_count, &gather->check_capacity) ==
        WEFT_OK) {
        gather->checks[gather->check_count++] = (struct weft_check){ weft_alloc_string(name), weft_alloc_string(text) };
    }
}
