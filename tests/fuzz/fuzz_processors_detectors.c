/* Any text: what detectors find lies in it, one after another, and the passes before them leave none of it out. */
#include "base/assert.h"
#include "processors/redaction_detectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weft_slice text = { data, size };
    static struct weft_detector_filter all;
    static struct weft_detector_filter without_vectors;
    if (all.set == 0) {
        weft_detector_filter_init(&all, (1u << WEFT_DETECTOR_COUNT) - 1);
        without_vectors = all;
        without_vectors.has_vectors = false;
    }
    weft_detector_set found_at_once = weft_detectors_find(&all, text);
    weft_assert(found_at_once == weft_detectors_find(&without_vectors, text));
    for (size_t id = 0; id < WEFT_DETECTOR_COUNT; id++) {
        struct weft_found found;
        size_t at = 0;
        size_t count = 0;
        for (; weft_detector_next((enum weft_detector_id)id, text, at, &found); at = found.end) {
            weft_assert(found.start >= at && found.end > found.start && found.end <= size);
            count++;
        }
        weft_assert((found_at_once >> id & 1) == (count > 0));
    }
    return 0;
}
