/* Opening the attributes of a record (otlp_attributes.h). The walk skips what is not asked for and knows the one shape
 * in which every SDK writes a KeyValue (key, then value, nothing else); other legal shapes take the general way. The
 * bytes have passed the check, so malformed ones are a bug here. */
#include "wire/otlp_attributes.h"

#include <endian.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/otlp_short.h"
#include "wire/wire_scan.h"
#include "wire/checked.h"

enum { KEY_TAG = WEFT_OTLP_KEY_FIELD << 3 | WEFT_WIRE_BYTES, VALUE_TAG = WEFT_OTLP_VALUE_FIELD << 3 | WEFT_WIRE_BYTES };

uint32_t weft_otlp_attributes_field(enum weft_signal signal)
{
    switch (signal) {
    case WEFT_TRACES:
        return 9;
    case WEFT_METRICS:
    case WEFT_PROFILES: /* they lie in the dictionary */
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

/* The byte after a field of any type. */
__attribute__((noinline)) static const uint8_t *skip_other(const uint8_t *at, const uint8_t *end)
{
    struct weft_wire_reader reader = { at, end, at };
    struct weft_wire_field field;
    const char *reason = weft_wire_scan(&reader, &field);
    weft_assert(reason == NULL);
    return reader.at;
}

/* The byte after the field whose tag is at `at`; the contents of a bytes field go to *out_contents. */
static inline const uint8_t *skip_field(const uint8_t *at, const uint8_t *end, uint32_t *out_tag,
                                        struct weft_slice *out_contents)
{
    const uint8_t *value = weft_wire_read_small(at, end, out_tag);
    uint32_t length;
    uint64_t number;
    weft_assert(value != NULL);
    switch (*out_tag & 7) {
    case WEFT_WIRE_BYTES:
        value = weft_wire_read_small(value, end, &length);
        weft_assert(value != NULL && length <= (size_t)(end - value));
        *out_contents = weft_slice_of(value, length);
        return value + length;
    case WEFT_WIRE_VARINT:
        value = weft_wire_read_varint(value, end, &number);
        weft_assert(value != NULL);
        return value;
    case WEFT_WIRE_FIXED64:
        weft_assert(end - value >= 8);
        return value + 8;
    case WEFT_WIRE_FIXED32:
        weft_assert(end - value >= 4);
        return value + 4;
    default:
        return skip_other(at, end);
    }
}

static enum weft_status keep(struct weft_otlp_attributes *attributes, const struct weft_otlp_attribute *attribute)
{
    if (attributes->count == attributes->capacity &&
        weft_try_grow(&attributes->items, sizeof *attributes->items, attributes->count, &attributes->capacity) !=
            WEFT_OK) {
        return WEFT_NOMEM;
    }
    attributes->items[attributes->count++] = *attribute;
    return WEFT_OK;
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
            const struct weft_otlp_attribute found = { { at, (size_t)(after - at) }, contents, read_key(contents) };
            if (keep(attributes, &found) != WEFT_OK) {
                return WEFT_NOMEM;
            }
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

/* The key of a KeyValue that is short and plain, as nearly all are; else empty: read_key says it then. */
static inline struct weft_slice plain_key(struct weft_slice contents)
{
    const uint8_t *at = contents.bytes;
    if (contents.length >= 4 && at[0] == KEY_TAG && at[1] <= contents.length - 4) {
        const uint8_t *value = at + 2 + at[1];
        if (value[0] == VALUE_TAG && value[1] == contents.length - 4 - at[1] && (at[1] | value[1]) < 0x80) {
            return (struct weft_slice){ at + 2, at[1] };
        }
    }
    return WEFT_SLICE_EMPTY;
}

/* Whether a KeyValue has this key. Nearly all have another one: two loads beside its shape say so. */
static inline bool has_key(struct weft_slice contents, struct weft_slice key)
{
    struct weft_slice plain = plain_key(contents);
    if (plain.length > 0) {
        return plain.length == key.length && plain.bytes[0] == key.bytes[0] &&
               memcmp(plain.bytes, key.bytes, key.length) == 0;
    }
    return weft_slice_equal(read_key(contents), key);
}

/* The byte after the field at `at`; most are short ones of the wanted tag. */
static inline const uint8_t *next_field(const uint8_t *at, const uint8_t *end, uint32_t wanted, uint32_t *out_tag,
                                        struct weft_slice *out_contents)
{
    *out_tag = at[0];
    if (end - at >= 2 && *out_tag == wanted && at[1] < 0x80 && at[1] <= end - at - 2) {
        *out_contents = (struct weft_slice){ at + 2, at[1] };
        return at + 2 + at[1];
    }
    return skip_field(at, end, out_tag, out_contents);
}

bool weft_otlp_attribute_find(struct weft_slice message, uint32_t field, struct weft_slice key,
                              struct weft_slice *out_key_value)
{
    const uint32_t wanted = field << 3 | WEFT_WIRE_BYTES;
    struct weft_wire_reader all = weft_wire_reader_of(message);
    for (const uint8_t *at = all.at; at < all.end;) {
        uint32_t tag;
        struct weft_slice contents = WEFT_SLICE_EMPTY;
        at = next_field(at, all.end, wanted, &tag, &contents);
        if (tag == wanted && has_key(contents, key)) {
            *out_key_value = contents;
            return true;
        }
    }
    return false;
}

bool weft_otlp_attribute_next(struct weft_slice *in_out_rest, uint32_t field, const struct weft_otlp_keys *keys,
                              struct weft_otlp_attribute *out_attribute)
{
    const uint32_t wanted = field << 3 | WEFT_WIRE_BYTES;
    struct weft_wire_reader all = weft_wire_reader_of(*in_out_rest);
    for (const uint8_t *at = all.at; at < all.end;) {
        const uint8_t *start = at;
        uint32_t tag;
        struct weft_slice contents = WEFT_SLICE_EMPTY;
        at = next_field(at, all.end, wanted, &tag, &contents);
        if (tag != wanted) {
            continue;
        }
        struct weft_slice key = plain_key(contents);
        key = key.length > 0 ? key : read_key(contents);
        if (weft_otlp_keys_may_have(keys, key)) {
            *out_attribute = (struct weft_otlp_attribute){ { start, (size_t)(at - start) }, contents, key };
            *in_out_rest = (struct weft_slice){ at, (size_t)(all.end - at) };
            return true;
        }
    }
    return false;
}

/* The length of the attribute at `at`, tag included, if it is one below 128 bytes that is a key and a value and no
 * more; else 0, which says nothing. Two loads and three branches: most attributes are of this shape, and not asked for.
 */
static inline size_t short_attribute(const uint8_t *at, const uint8_t *end, uint8_t tag, struct weft_slice *out_key)
{
    const uint32_t lengths_below_128 = 0x80ff80ff; /* byte 0 and 2 exact, the top bit of bytes 1 and 3 clear */
    uint32_t head;
    uint16_t value;
    if (end - at < (ptrdiff_t)sizeof head) {
        return 0;
    }
    memcpy(&head, at, sizeof head);
    head = le32toh(head);
    uint32_t length = head >> 8 & 0x7f;
    uint32_t key_length = head >> 24;
    if ((head & lengths_below_128) != ((uint32_t)KEY_TAG << 16 | tag) || length + 2 > (size_t)(end - at) ||
        key_length + 4 > length) {
        return 0;
    }
    memcpy(&value, at + 4 + key_length, sizeof value);
    if (le16toh(value) != (VALUE_TAG | (length - key_length - 4) << 8)) {
        return 0;
    }
    *out_key = (struct weft_slice){ at + 4, key_length };
    return length + 2;
}

/* Past attributes of that shape whose keys have another length than those that are sought. */
static inline const uint8_t *skip_unsought(const uint8_t *at, const uint8_t *end, uint8_t tag, uint64_t lengths)
{
    enum { LEAST = 6, FRAMES = 4 };
    const uint32_t lengths_below_128 = 0x80ff80ff;
    const uint32_t wanted = (uint32_t)KEY_TAG << 16 | tag;
    while (end - at >= LEAST) {
        uint32_t head;
        uint16_t value;
        memcpy(&head, at, sizeof head);
        head = le32toh(head);
        size_t length = (uint8_t)(head >> 8);
        size_t key_length = head >> 24;
        if ((head & lengths_below_128) != wanted || (lengths >> key_length % 64 & 1) != 0 ||
            key_length + FRAMES > length) {
            break;
        }
        memcpy(&value, at + FRAMES + key_length, sizeof value);
        if (le16toh(value) != (VALUE_TAG | (length - key_length - FRAMES) << 8)) {
            break;
        }
        at += 2 + length;
    }
    weft_assert(at <= end); /* a message that was checked */
    return at;
}

/* An attribute of which it is known that it is a short key, then a value, if it is sought. False: no memory. */
static bool keep_plain(struct weft_otlp_attributes *attributes, const struct weft_otlp_keys *keys,
                       struct weft_slice whole, size_t header_length)
{
    struct weft_slice contents = { whole.bytes + header_length, whole.length - header_length };
    struct weft_slice key = { contents.bytes + 2, contents.bytes[1] };
    return !weft_otlp_keys_may_have(keys, key) ||
           keep(attributes, &(struct weft_otlp_attribute){ whole, contents, key }) == WEFT_OK;
}

static inline uint32_t read_head(const uint8_t *at)
{
    uint32_t head;
    memcpy(&head, at, sizeof head);
    return le32toh(head);
}

/* Those at `at`, as long as there are some, of a message where all are so: a length and a key say everything. Returns
 * where it stopped; NULL if there is no memory. */
static inline const uint8_t *sift_plain(const uint8_t *at, const uint8_t *end, uint8_t tag,
                                        const struct weft_otlp_keys *keys, struct weft_otlp_attributes *attributes)
{
    enum { LEAST = 6, MORE = 0x80 };
    const uint32_t short_shape = 0x80ff80ff, long_shape = 0xff8080ff; /* bits of the head that are fixed */
    const uint32_t short_head = (uint32_t)KEY_TAG << 16 | tag;
    const uint32_t long_head = (uint32_t)KEY_TAG << 24 | 0x8000u | tag;
    const uint64_t lengths = keys->lengths;
    if (end - at < LEAST) {
        return at;
    }
    for (const uint8_t *last = end - LEAST; at <= last;) {
        uint32_t head = read_head(at);
        if (WEFT_LIKELY((head & short_shape) == short_head && (lengths >> (head >> 24) % 64 & 1) == 0)) {
            at += 2 + (uint8_t)(head >> 8);
            continue;
        }
        struct weft_slice whole = { at, 2 + (size_t)(uint8_t)(head >> 8) };
        size_t header_length = 2;
        if ((head & short_shape) != short_head) {
            if ((head & long_shape) != long_head || at[sizeof head] >= MORE) {
                break; /* another field, or a key that is long, which edits may have written */
            }
            header_length = 3;
            whole.length = 3 + (size_t)((head >> 8 & 0x7f) | (head >> 16 & 0x7f) << 7);
        }
        if (!keep_plain(attributes, keys, whole, header_length)) {
            return NULL;
        }
        at += whole.length;
    }
    weft_assert(at <= end);
    return at;
}

/* Where the first attribute may be: behind the head that SDKs give a span, which has none. */
static inline const uint8_t *skip_head(struct weft_slice message, uint32_t field)
{
    enum { SPAN_ATTRIBUTES = 9 };
    struct weft_slice name;
    const uint8_t *end = message.bytes + message.length;
    return message.bytes + (field == SPAN_ATTRIBUTES ? weft_otlp_short_span_head(message.bytes, end, &name) : 0);
}

enum weft_status weft_otlp_attributes_sift(struct weft_slice message, uint32_t field, const struct weft_otlp_keys *keys,
                                           bool is_plain, struct weft_otlp_attributes *attributes,
                                           const uint8_t **out_end)
{
    const uint32_t wanted = field << 3 | WEFT_WIRE_BYTES;
    const uint8_t *end = message.bytes + message.length;
    const uint8_t *last_end = end;
    attributes->count = 0;
    for (const uint8_t *at = skip_head(message, field); at < end;) {
        const uint8_t *start = is_plain ? sift_plain(at, end, (uint8_t)wanted, keys, attributes)
                                        : skip_unsought(at, end, (uint8_t)wanted, keys->lengths);
        if (start == NULL) {
            return WEFT_NOMEM;
        }
        last_end = start > at ? start : last_end;
        at = start;
        if (at >= end) {
            break;
        }
        uint32_t tag = wanted;
        struct weft_slice contents = WEFT_SLICE_EMPTY;
        struct weft_slice key;
        size_t length = short_attribute(at, end, (uint8_t)wanted, &key);
        if (length > 0) {
            contents = (struct weft_slice){ at + 2, length - 2 };
            at += length;
        } else {
            at = skip_field(at, end, &tag, &contents);
            if (tag != wanted) {
                continue;
            }
            key = read_key(contents);
        }
        last_end = at;
        if (weft_otlp_keys_may_have(keys, key) &&
            keep(attributes, &(struct weft_otlp_attribute){ { start, (size_t)(at - start) }, contents, key }) !=
                WEFT_OK) {
            return WEFT_NOMEM;
        }
    }
    *out_end = last_end;
    return WEFT_OK;
}

/* One member of an AnyValue, on top of what was read of it before. */
static void value_take(struct weft_otlp_value *value, const struct weft_wire_field *member)
{
    enum weft_otlp_value_kind kind = (enum weft_otlp_value_kind)member->number;
    bool is_repeated = value->kind == kind && (kind == WEFT_OTLP_VALUE_ARRAY || kind == WEFT_OTLP_VALUE_MAP);
    *value = (struct weft_otlp_value){ .kind = kind, .is_split = is_repeated, .bytes = member->bytes };
    if (kind == WEFT_OTLP_VALUE_BOOL) {
        value->is_true = member->number_value != 0;
    } else if (kind == WEFT_OTLP_VALUE_INT) {
        value->integer = (int64_t)member->number_value;
    } else if (kind == WEFT_OTLP_VALUE_DOUBLE) {
        memcpy(&value->real, &member->number_value, sizeof value->real);
    }
}

/* The contents of an AnyValue that are one string or one int and no more, as SDKs write them. False says nothing. */
static inline bool value_take_plain(struct weft_otlp_value *value, struct weft_slice contents)
{
    enum {
        STRING_TAG = WEFT_OTLP_VALUE_STRING << 3 | WEFT_WIRE_BYTES,
        INT_TAG = WEFT_OTLP_VALUE_INT << 3 | WEFT_WIRE_VARINT
    };
    const uint8_t *at = contents.bytes;
    if (contents.length < 2) {
        return false;
    }
    const uint8_t *end = at + contents.length;
    uint32_t length;
    uint64_t number;
    if (at[0] == STRING_TAG) {
        at = weft_wire_read_small(at + 1, end, &length);
        if (at == NULL || length != (size_t)(end - at)) {
            return false;
        }
        *value = (struct weft_otlp_value){ .kind = WEFT_OTLP_VALUE_STRING, .bytes = { at, length } };
        return true;
    }
    if (at[0] != INT_TAG || weft_wire_read_varint(at + 1, end, &number) != end) {
        return false;
    }
    *value = (struct weft_otlp_value){ .kind = WEFT_OTLP_VALUE_INT, .integer = (int64_t)number };
    return true;
}

/* Of any message, however it is written. */
__attribute__((noinline)) static void value_take_all(struct weft_otlp_value *value, struct weft_slice message,
                                                     uint32_t wanted)
{
    struct weft_wire_reader all = weft_wire_reader_of(message);
    for (const uint8_t *at = all.at; at < all.end;) {
        uint32_t tag;
        struct weft_slice contents = WEFT_SLICE_EMPTY;
        at = skip_field(at, all.end, &tag, &contents);
        if (tag != wanted || value_take_plain(value, contents)) {
            continue;
        }
        struct weft_wire_reader members = weft_wire_reader_of(contents);
        struct weft_wire_field member;
        while (weft_wire_next_checked(&members, &member)) {
            if (member.number <= WEFT_OTLP_VALUE_BYTES) {
                value_take(value, &member);
            }
        }
    }
}

struct weft_otlp_value weft_otlp_value_of(struct weft_slice message, uint32_t field)
{
    struct weft_otlp_value value = { .kind = WEFT_OTLP_VALUE_NONE };
    struct weft_slice key = field == WEFT_OTLP_VALUE_FIELD ? plain_key(message) : WEFT_SLICE_EMPTY;
    if (key.length > 0) {
        const uint8_t *contents = key.bytes + key.length + 2; /* behind tag and length */
        if (value_take_plain(&value, (struct weft_slice){ contents, message.length - 4 - key.length })) {
            return value;
        }
    }
    value_take_all(&value, message, field << 3 | WEFT_WIRE_BYTES);
    return value;
}

struct weft_slice weft_otlp_service_name(struct weft_slice resource_x)
{
    struct weft_wire_reader reader = weft_wire_reader_of(resource_x);
    struct weft_wire_field resource;
    struct weft_slice key_value;
    while (weft_wire_next_checked(&reader, &resource)) {
        if (resource.number == WEFT_OTLP_RESOURCE_FIELD && resource.type == WEFT_WIRE_BYTES &&
            weft_otlp_attribute_find(resource.bytes, WEFT_OTLP_RESOURCE_ATTRIBUTES_FIELD,
                                     WEFT_SLICE_LITERAL("service.name"), &key_value)) {
            struct weft_otlp_value value = weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD);
            return value.kind == WEFT_OTLP_VALUE_STRING ? value.bytes : WEFT_SLICE_EMPTY;
        }
    }
    return WEFT_SLICE_EMPTY;
}
