/* The attributes redaction.* (redaction_summary.h). Only where a config asks for them, and only in messages in which
 * something was noted, is any of this done. */
#include "processors/redaction_summary.h"

#include "base/alloc.h"
#include "wire/otlp_attributes.h"
#include "wire/protobuf.h"

struct name {
    bool is_body;
    enum weft_redaction_note note;
    size_t offset, length; /* in names */
};

static const struct {
    const char *keys; /* NULL: names are not told */
    const char *count;
} attributes[WEFT_REDACTION_PLACES][WEFT_REDACTION_NOTE_COUNT] = {
    { { "redaction.redacted.keys", "redaction.redacted.count" },
      { "redaction.masked.keys", "redaction.masked.count" },
      { "redaction.allowed.keys", "redaction.allowed.count" },
      { NULL, "redaction.ignored.count" } },
    { { "redaction.body.redacted.keys", "redaction.body.redacted.count" },
      { "redaction.body.masked.keys", "redaction.body.masked.count" },
      { "redaction.body.allowed.keys", "redaction.body.allowed.count" },
      { NULL, "redaction.body.ignored.count" } },
};

void weft_redaction_notes_fini(struct weft_redaction_notes *notes)
{
    weft_buffer_fini(&notes->names);
    weft_buffer_fini(&notes->items);
    weft_buffer_fini(&notes->entries);
    weft_buffer_fini(&notes->values);
    weft_buffer_fini(&notes->message);
}

void weft_redaction_notes_clear(struct weft_redaction_notes *notes)
{
    weft_buffer_clear(&notes->names);
    weft_buffer_clear(&notes->items);
    memset(notes->counts, 0, sizeof notes->counts);
}

void weft_redaction_notes_trim(struct weft_redaction_notes *notes)
{
    enum { KEPT_BYTES = 64 << 10 };
    struct weft_buffer *buffers[] = { &notes->entries, &notes->values, &notes->message };
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers); i++) {
        if (buffers[i]->capacity > KEPT_BYTES) {
            weft_buffer_fini(buffers[i]);
            weft_buffer_init(buffers[i], 0);
        }
    }
}

enum weft_status weft_redaction_notes_status(const struct weft_redaction_notes *notes)
{
    const struct weft_buffer *buffers[] = { &notes->names, &notes->items, &notes->entries, &notes->values,
                                            &notes->message };
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < WEFT_COUNT_OF(buffers) && status == WEFT_OK; i++) {
        status = weft_buffer_status(buffers[i]);
    }
    return status;
}

void weft_redaction_notes_begin(struct weft_redaction_notes *notes, struct weft_redaction_page *out_page)
{
    memcpy(out_page->counts, notes->counts, sizeof notes->counts);
    memset(notes->counts, 0, sizeof notes->counts);
    out_page->names_length = notes->names.length;
    out_page->items_length = notes->items.length;
}

void weft_redaction_notes_end(struct weft_redaction_notes *notes, const struct weft_redaction_page *page)
{
    memcpy(notes->counts, page->counts, sizeof notes->counts);
    notes->names.length = page->names_length;
    notes->items.length = page->items_length;
}

void weft_redaction_notes_add(struct weft_redaction_notes *notes, bool is_body, enum weft_redaction_note note,
                              struct weft_slice name)
{
    notes->counts[is_body][note]++;
    if (notes->level == WEFT_REDACTION_DEBUG && attributes[is_body][note].keys != NULL &&
        name.length + sizeof(struct name) <= WEFT_REDACTION_MAX_NAME_BYTES - notes->names.length &&
        notes->items.length < WEFT_REDACTION_MAX_NAME_BYTES * sizeof(struct name)) {
        struct name item = { is_body, note, notes->names.length, name.length };
        weft_buffer_append(&notes->names, name.bytes, name.length);
        if (weft_buffer_status(&notes->names) == WEFT_OK) {
            weft_buffer_append(&notes->items, &item, sizeof item);
        }
    }
}

/* ---- writing ---- */

/* A new KeyValue, in values. */
struct slot {
    const char *key;
    size_t offset, length;
    bool is_written;
};

struct slots {
    struct slot items[WEFT_REDACTION_PLACES * WEFT_REDACTION_NOTE_COUNT * 2];
    size_t count;
};

static void put_header(struct weft_buffer *out, uint32_t number, size_t length)
{
    uint8_t header[16];
    weft_buffer_append(out, header, (size_t)(weft_wire_put_bytes_header(header, number, length) - header));
}

static void put_field(struct weft_buffer *out, uint32_t number, struct weft_slice contents)
{
    put_header(out, number, contents.length);
    weft_buffer_append(out, contents.bytes, contents.length);
}

static struct weft_otlp_value find_value(struct weft_slice message, uint32_t field, const char *key)
{
    struct weft_slice key_value;
    return weft_otlp_attribute_find(message, field, weft_slice_of_text(key), &key_value)
               ? weft_otlp_value_of(key_value, WEFT_OTLP_VALUE_FIELD)
               : (struct weft_otlp_value){ .kind = WEFT_OTLP_VALUE_NONE };
}

static void add_entry(struct weft_redaction_notes *notes, const uint8_t *bytes, size_t length)
{
    struct weft_otlp_named entry = { { bytes, length }, WEFT_SLICE_EMPTY };
    weft_buffer_append(&notes->entries, &entry, sizeof entry);
}

/* The names in a former summary. One that is too long for one of ours is kept as it is, as one name. */
static void add_former_names(struct weft_redaction_notes *notes, const struct weft_otlp_value *former)
{
    const uint8_t *at = former->bytes.bytes;
    size_t left = former->kind == WEFT_OTLP_VALUE_STRING ? former->bytes.length : 0;
    bool is_split = left <= WEFT_REDACTION_MAX_NAME_BYTES;
    if (left == 0) {
        return;
    }
    for (const uint8_t *comma; is_split && (comma = memchr(at, ',', left)) != NULL;) {
        add_entry(notes, at, (size_t)(comma - at));
        left -= (size_t)(comma - at) + 1;
        at = comma + 1;
    }
    add_entry(notes, at, left);
}

/* The names of a note, in order, with commas between them, at the end of values. */
static void put_names(struct weft_redaction_notes *notes, const struct weft_redaction_page *page, bool is_body,
                      enum weft_redaction_note note, const struct weft_otlp_value *former)
{
    weft_buffer_clear(&notes->entries);
    for (size_t at = page->items_length; at < notes->items.length; at += sizeof(struct name)) {
        struct name item;
        memcpy(&item, notes->items.bytes + at, sizeof item);
        if (item.is_body == is_body && item.note == note) {
            add_entry(notes, item.length == 0 ? NULL : notes->names.bytes + item.offset, item.length);
        }
    }
    add_former_names(notes, former);
    struct weft_otlp_named *entries = (struct weft_otlp_named *)(void *)notes->entries.bytes;
    size_t count = notes->entries.length / sizeof *entries;
    weft_otlp_sort_named(entries, count);
    size_t length = count == 0 ? 0 : count - 1;
    for (size_t i = 0; i < count; i++) {
        length += entries[i].name.length;
    }
    put_header(&notes->values, WEFT_OTLP_VALUE_FIELD,
               weft_wire_size_bytes_header(WEFT_OTLP_VALUE_STRING, length) + length);
    put_header(&notes->values, WEFT_OTLP_VALUE_STRING, length);
    for (size_t i = 0; i < count; i++) {
        weft_buffer_append(&notes->values, ",", i == 0 ? 0 : 1);
        weft_buffer_append(&notes->values, entries[i].name.bytes, entries[i].name.length);
    }
}

static void put_count(struct weft_redaction_notes *notes, uint64_t count)
{
    enum { INT_TAG = WEFT_OTLP_VALUE_INT << 3 | WEFT_WIRE_VARINT };
    uint8_t value[16] = { INT_TAG };
    uint8_t *end = weft_wire_put_varint(value + 1, count);
    put_field(&notes->values, WEFT_OTLP_VALUE_FIELD, weft_slice_of(value, (size_t)(end - value)));
}

static struct slot *begin_slot(struct weft_redaction_notes *notes, struct slots *slots, const char *key)
{
    struct slot *slot = &slots->items[slots->count++];
    *slot = (struct slot){ .key = key, .offset = notes->values.length };
    put_field(&notes->values, WEFT_OTLP_KEY_FIELD, weft_slice_of_text(key));
    return slot;
}

static void plan_note(struct weft_redaction_notes *notes, const struct weft_redaction_page *page,
                      struct weft_slice message, uint32_t field, bool is_body, enum weft_redaction_note note,
                      struct slots *slots)
{
    const char *key = attributes[is_body][note].keys;
    if (notes->level == WEFT_REDACTION_DEBUG && key != NULL) {
        struct weft_otlp_value former = find_value(message, field, key);
        struct slot *slot = begin_slot(notes, slots, key);
        put_names(notes, page, is_body, note, &former);
        slot->length = notes->values.length - slot->offset;
    }
    struct weft_otlp_value former = find_value(message, field, attributes[is_body][note].count);
    struct slot *slot = begin_slot(notes, slots, attributes[is_body][note].count);
    uint64_t former_count = former.kind == WEFT_OTLP_VALUE_INT ? (uint64_t)former.integer : 0;
    put_count(notes, notes->counts[is_body][note] + former_count);
    slot->length = notes->values.length - slot->offset;
}

static void put_slot(struct weft_redaction_notes *notes, uint32_t field, struct slot *slot)
{
    put_field(&notes->message, field, weft_slice_of(notes->values.bytes + slot->offset, slot->length));
    slot->is_written = true;
}

static struct slot *slot_of(struct slots *slots, const struct weft_otlp_attribute *attribute)
{
    for (size_t i = 0; i < slots->count; i++) {
        if (!slots->items[i].is_written && weft_slice_equal_text(attribute->key, slots->items[i].key)) {
            return &slots->items[i];
        }
    }
    return NULL;
}

static struct weft_slice key_of(struct weft_slice key_value)
{
    struct weft_slice key = WEFT_SLICE_EMPTY;
    struct weft_wire_reader reader = weft_wire_reader_of(key_value);
    struct weft_wire_field field;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        if (field.number == WEFT_OTLP_KEY_FIELD && field.type == WEFT_WIRE_BYTES) {
            key = field.bytes;
        }
    }
    return key;
}

/* The first attribute of a key takes the new value, as in the Collector; what has none is put behind the rest. */
static void put_message(struct weft_redaction_notes *notes, struct weft_slice message, uint32_t number,
                        struct slots *slots)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = true;
    weft_buffer_clear(&notes->message);
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        struct slot *slot = NULL;
        if (field.number == number && field.type == WEFT_WIRE_BYTES) {
            slot = slot_of(slots, &(struct weft_otlp_attribute){ .key = key_of(field.bytes) });
        }
        if (slot != NULL) {
            put_slot(notes, number, slot);
        } else {
            weft_buffer_append(&notes->message, field.whole.bytes, field.whole.length);
        }
    }
    for (size_t i = 0; i < slots->count; i++) {
        if (!slots->items[i].is_written) {
            put_slot(notes, number, &slots->items[i]);
        }
    }
}

bool weft_redaction_notes_write(struct weft_redaction_notes *notes, const struct weft_redaction_page *page,
                                struct weft_slice message, uint32_t field, struct weft_slice *out_message)
{
    struct slots slots = { .count = 0 };
    if (notes->level < WEFT_REDACTION_INFO) {
        return false;
    }
    weft_buffer_clear(&notes->values);
    for (int is_body = 0; is_body < WEFT_REDACTION_PLACES; is_body++) {
        for (int note = 0; note < WEFT_REDACTION_NOTE_COUNT; note++) {
            if (notes->counts[is_body][note] > 0) {
                plan_note(notes, page, message, field, is_body != 0, (enum weft_redaction_note)note, &slots);
            }
        }
    }
    if (slots.count == 0) {
        return false;
    }
    put_message(notes, message, field, &slots);
    *out_message = weft_buffer_slice(&notes->message);
    return true;
}
