/* Opening the attributes of a record (otlp_attributes.h). The walk skips what is not asked for and knows the one shape
 * in which every SDK writes a KeyValue (key, then value, nothing else); other legal shapes take the general way. The
 * bytes have passed the check, so malformed ones are a bug here. */
#include "wire/otlp_attributes.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/wire_scan.h"

enum { KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES, VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES };

uint32_t weft_otlp_attributes_field(enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return 9;
    case WEFT_METRICS:
        return 0;
    case WEFT_LOGS:
        return 6;
    }
    weft_assert(!"signal");
}

/* Of a repeated key the last one counts. */
static struct weft_slice find_key(struct weft_slice contents)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(contents);
    while (reader.at < reader.end) {
        struct weft_wire_field field;
        const char *reason = weft_wire_scan(&reader, &field);
        weft_assert(reason == NULL);
        if (field.number == WEFT_OTLP_KEY_FIELD && field.type == WEFT_WIRE_BYTES) {
            key = field.bytes;
        }
    }
    return key;
}

static struct weft_slice read_key(struct weft_slice contents)
{
    const uint8_t *at = contents.bytes;
    const uint8_t *end = at + contents.length;
    if (end - at < 2 || at[0] != KEY_TAG || at[1] >= 0x80 || at[1] > end - at - 2) {
        return find_key(contents);
    }
    struct weft_slice key = { at + 2, at[1] };
    const uint8_t *value = key.bytes + key.length;
    uint32_t length;
    if (value < end && *value == VALUE_TAG) {
        const uint8_t *bytes = weft_wire_read_small(value + 1, end, &length);
        if (bytes != NULL && length == (size_t)(end - bytes)) {
            return key;
        }
    }
    return find_key(contents);
}

/* The byte after the field whose tag is at `at`; the contents of a bytes field go to *out_contents. */
static const uint8_t *skip_field(const uint8_t *at, const uint8_t *end, uint32_t *out_tag,
                                 struct weft_slice *out_contents)
{
    const uint8_t *value = weft_wire_read_small(at, end, out_tag);
    uint32_t length;
    weft_assert(value != NULL);
    switch (*out_tag & 7) {
    case WEFT_WIRE_BYTES:
        value = weft_wire_read_small(value, end, &length);
        weft_assert(value != NULL && length <= (size_t)(end - value));
        *out_contents = weft_slice_of(value, length);
        return value + length;
    case WEFT_WIRE_FIXED64:
        weft_assert(end - value >= 8);
        return value + 8;
    case WEFT_WIRE_FIXED32:
        weft_assert(end - value >= 4);
        return value + 4;
    default:
        break;
    }
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    return reader.at;
}

enum weft_status weft_otlp_attributes_read(struct weft_slice record, uint32_t field,
                                           struct weft_otlp_attributes *attributes)
{
    attributes->count = 0;
    return weft_otlp_attributes_add(record, field, attributes);
}

enum weft_status weft_otlp_attributes_add(struct weft_slice record, uint32_t field,
                                          struct weft_otlp_attributes *attributes)
{
    const uint32_t wanted = field << 3 | WEFT_WIRE_BYTES;
    const uint8_t *end = record.bytes + record.length;
    for (const uint8_t *at = record.bytes; at < end;) {
        uint32_t tag;
        struct weft_slice contents = WEFT_SLICE_EMPTY;
        const uint8_t *after = skip_field(at, end, &tag, &contents);
        if (tag == wanted) {
            if (attributes->count == attributes->capacity &&
                weft_try_grow(&attributes->items, sizeof *attributes->items, attributes->count,
                              &attributes->capacity) != WEFT_OK) {
                return WEFT_NOMEM;
            }
            attributes->items[attributes->count++] =
                (struct weft_otlp_attribute){ { at, (size_t)(after - at) }, contents, read_key(contents) };
        }
        at = after;
    }
    return WEFT_OK;
}

void weft_otlp_attributes_fini(struct weft_otlp_attributes *attributes)
{
    weft_free(attributes->items);
    *attributes = (struct weft_otlp_attributes){ 0 };
}
