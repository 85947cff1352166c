/* Any text: what detectors find lies in it, one after another, and the passes before them leave none of it out; what
 * holds something in another form lies in it, too; and what sanitizers make of it has a bounded length. */
#include "base/assert.h"
#include "processors/redaction_encoded.h"
#include "processors/redaction_encoded_internal.h"
#include "processors/redaction_sanitize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_encoded(const struct weft_detector_filter *detectors, struct weft_slice text)
{
    static struct weft_encoded_rules rules;
    static struct weft_encoded encoded;
    struct weft_unescaped unescaped = { 0 };
    if (encoded.rules == NULL) {
        weft_encoded_rules_init(&rules, detectors, WEFT_ENCODED_PERCENT | WEFT_ENCODED_BASE64);
        encoded.rules = &rules;
    }
    struct weft_found where[2];
    bool is_seen = weft_encoded_find_ascii(&rules, text, detectors->has_vectors, &where[0]);
    weft_assert(is_seen == weft_encoded_find_ascii(&rules, text, false, &where[1]));
    weft_assert(where[0].start == where[1].start && where[0].end == where[1].end);
    bool has_escapes = weft_redaction_unescape(text, &unescaped);
    weft_encoded_find(&encoded, text, has_escapes ? &unescaped : NULL);
    for (size_t at = 0; at < encoded.hits.length; at += sizeof(struct weft_encoded_hit)) {
        struct weft_encoded_hit hit;
        memcpy(&hit, encoded.hits.bytes + at, sizeof hit);
        weft_assert(hit.start < hit.end && hit.end <= text.length && hit.found != 0);
    }
    weft_encoded_trim(&encoded);
    weft_buffer_fini(&unescaped.text);
    weft_buffer_fini(&unescaped.origin);
}

static void check_sanitizers(struct weft_slice text)
{
    for (int sanitizer = 0; sanitizer < WEFT_SANITIZERS; sanitizer++) {
        for (int is_mysql = 0; is_mysql < 2; is_mysql++) {
            struct weft_buffer out = { 0 };
            weft_sanitize((enum weft_sanitizer)sanitizer, is_mysql != 0, text, &out);
            weft_assert(out.length <= 3 * text.length);
            weft_buffer_fini(&out);
        }
    }
}

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
    check_encoded(&all, text);
    check_sanitizers(text);
    return 0;
}
