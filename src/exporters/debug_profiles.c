/* Profiles in debug's texts (debug_profiles.h), as the Collector's debug exporter has them: of the tables of attributes
 * and of links it shows the last entry. */
#include "exporters/debug_profiles.h"

#include <inttypes.h>

#include "base/arena.h"

enum {
    DICTIONARY_FIELD = 2, /* of the request */
    MAPPINGS_FIELD = 1,   /* of the dictionary */
    LOCATIONS_FIELD = 2,
    FUNCTIONS_FIELD = 3,
    LINKS_FIELD = 4,
    STRINGS_FIELD = 5,
    ATTRIBUTES_FIELD = 6,
    SAMPLES_FIELD = 2, /* of a profile */
    PROFILE_ATTRIBUTES_FIELD = 11,
    SAMPLE_ATTRIBUTES_FIELD = 2,
    VALUES_FIELD = 4,
};

/* ---- the dictionary ---- */

/* The entries of one table, over all dictionaries that the request has, which are one to protobuf. */
static size_t list_entries(struct weft_slice envelope, uint32_t table_field, uint32_t *out_places)
{
    struct weft_wire_field dictionary, entry;
    size_t count = 0;
    for (struct weft_slice rest = envelope; weft_debug_next(&rest, DICTIONARY_FIELD, &dictionary);) {
        for (struct weft_slice entries = dictionary.bytes; weft_debug_next(&entries, table_field, &entry); count++) {
            if (out_places != NULL) {
                out_places[count] = (uint32_t)(entry.whole.bytes - envelope.bytes);
            }
        }
    }
    return count;
}

static enum weft_status list_table(struct weft_arena *arena, struct weft_slice envelope, uint32_t table_field,
                                   struct weft_debug_places *out_places)
{
    size_t count = list_entries(envelope, table_field, NULL);
    uint32_t *items = weft_arena_try_alloc(arena, (count + 1) * sizeof *items);
    if (items == NULL) {
        return WEFT_NOMEM;
    }
    *out_places = (struct weft_debug_places){ items, list_entries(envelope, table_field, items) };
    return WEFT_OK;
}

enum weft_status weft_debug_dictionary_read(const struct weft_otlp_table *table,
                                            struct weft_debug_dictionary *out_dictionary)
{
    struct weft_debug_dictionary dictionary = { .envelope = table->envelope };
    enum weft_status status = list_table(table->arena, table->envelope, STRINGS_FIELD, &dictionary.strings);
    if (status == WEFT_OK) {
        status = list_table(table->arena, table->envelope, ATTRIBUTES_FIELD, &dictionary.attributes);
    }
    *out_dictionary = dictionary;
    return status;
}

static bool find_entry(const struct weft_debug_dictionary *dictionary, const struct weft_debug_places *places,
                       uint32_t table_field, int64_t index, struct weft_slice *out_entry)
{
    if (index < 0 || (uint64_t)index >= places->count) {
        return false;
    }
    struct weft_slice envelope = dictionary->envelope;
    uint32_t place = places->items[index];
    struct weft_wire_field entry;
    struct weft_slice rest = weft_slice_of(envelope.bytes + place, envelope.length - place);
    bool is_there = weft_debug_next(&rest, table_field, &entry);
    *out_entry = is_there ? entry.bytes : WEFT_SLICE_EMPTY;
    return is_there;
}

bool weft_debug_find_string(const struct weft_debug_dictionary *dictionary, int64_t index, struct weft_slice *out_text)
{
    return find_entry(dictionary, &dictionary->strings, STRINGS_FIELD, index, out_text);
}

/* ---- pieces ---- */

static int32_t number_at(struct weft_slice message, uint32_t field)
{
    return (int32_t)weft_debug_number(message, field);
}

static bool is_full(struct weft_debug_writer *writer)
{
    return writer->out->length >= writer->most_length;
}

static void put_number(struct weft_debug_writer *writer, const char *title, int64_t number)
{
    weft_buffer_append_format(writer->out, "%s%" PRId64 "\n", title, number);
}

static void put_unsigned(struct weft_debug_writer *writer, const char *title, uint64_t number)
{
    weft_buffer_append_format(writer->out, "%s%" PRIu64 "\n", title, number);
}

/* "[1 2 3]" */
static void put_list(struct weft_debug_writer *writer, const char *title, struct weft_slice message, uint32_t field)
{
    struct weft_debug_numbers numbers = { .rest = message };
    uint64_t number;
    weft_buffer_append_format(writer->out, "%s[", title);
    for (bool is_first = true; weft_debug_next_number(&numbers, field, true, &number); is_first = false) {
        weft_buffer_append_format(writer->out, "%s%" PRId64, is_first ? "" : " ", (int64_t)number);
    }
    weft_buffer_append_text(writer->out, "]\n");
}

/* What an index into the table of attributes leads to, as "key=value" or "key: Type(value)". */
static void put_attribute(struct weft_debug_writer *writer, int32_t index, bool is_typed)
{
    struct weft_slice attribute, key;
    const struct weft_debug_dictionary *dictionary = writer->dictionary;
    if (!find_entry(dictionary, &dictionary->attributes, ATTRIBUTES_FIELD, index, &attribute)) {
        weft_buffer_append_format(writer->out, "[Missing Dictionary AttributeTable Item #%" PRId32 "]", index);
        return;
    }
    int32_t key_index = number_at(attribute, 1);
    if (weft_debug_find_string(dictionary, key_index, &key)) {
        weft_debug_put_text(writer, key);
    } else {
        weft_buffer_append_format(writer->out, "[Missing Dictionary Key String Item #%" PRId32 "]", key_index);
    }
    weft_buffer_append_text(writer->out, is_typed ? ": " : "=");
    if (is_typed) {
        weft_debug_put_typed_value(writer, attribute, 2);
    } else {
        weft_debug_put_value(writer, attribute, 2);
    }
}

static void put_attributes(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field,
                           const char *before, const char *after, bool is_typed)
{
    struct weft_debug_numbers numbers = { .rest = message };
    uint64_t index;
    while (weft_debug_next_number(&numbers, field, true, &index)) {
        weft_buffer_append_text(writer->out, before);
        if (is_full(writer)) {
            weft_buffer_append_format(writer->out, "...%s", after);
            return;
        }
        put_attribute(writer, (int32_t)index, is_typed);
        weft_buffer_append_text(writer->out, after);
    }
}

/* ---- normal ---- */

void weft_debug_put_profile_line(struct weft_debug_writer *writer, struct weft_slice profile)
{
    struct weft_wire_field sample;
    uint64_t samples = 0;
    for (struct weft_slice rest = profile; weft_debug_next(&rest, SAMPLES_FIELD, &sample);) {
        samples++;
    }
    weft_debug_put_id(writer, weft_debug_bytes(profile, 7));
    weft_buffer_append_format(writer->out, " samples=%" PRIu64, samples);
    put_attributes(writer, profile, PROFILE_ATTRIBUTES_FIELD, " ", "", false);
    weft_buffer_append_byte(writer->out, '\n');
}

/* ---- detailed ---- */

static void put_mapping(struct weft_debug_writer *writer, struct weft_slice mapping)
{
    put_unsigned(writer, "    Memory start: ", weft_debug_number(mapping, 1));
    put_unsigned(writer, "    Memory limit: ", weft_debug_number(mapping, 2));
    put_unsigned(writer, "    File offset: ", weft_debug_number(mapping, 3));
    put_number(writer, "    File name: ", number_at(mapping, 4));
    put_list(writer, "    Attributes: ", mapping, 5);
}

static void put_location(struct weft_debug_writer *writer, struct weft_slice location)
{
    struct weft_wire_field line;
    uint64_t number = 0;
    put_number(writer, "    Mapping index: ", number_at(location, 1));
    put_unsigned(writer, "    Address: ", weft_debug_number(location, 2));
    for (struct weft_slice rest = location; weft_debug_next(&rest, 3, &line); number++) {
        put_unsigned(writer, "    Line #", number);
        put_number(writer, "        Function index: ", number_at(line.bytes, 1));
        put_number(writer, "        Line: ", (int64_t)weft_debug_number(line.bytes, 2));
        put_number(writer, "        Column: ", (int64_t)weft_debug_number(line.bytes, 3));
    }
    put_list(writer, "    Attributes: ", location, 4);
}

static void put_function(struct weft_debug_writer *writer, struct weft_slice function)
{
    put_number(writer, "    Name: ", number_at(function, 1));
    put_number(writer, "    System name: ", number_at(function, 2));
    put_number(writer, "    Filename: ", number_at(function, 3));
    put_number(writer, "    Start line: ", (int64_t)weft_debug_number(function, 4));
}

static void put_text_entry(struct weft_debug_writer *writer, struct weft_slice text)
{
    weft_buffer_append_text(writer->out, "    ");
    weft_debug_put_text(writer, text);
    weft_buffer_append_byte(writer->out, '\n');
}

/* All entries of one table. title: with their numbers, or once where it has a colon. */
static void put_table(struct weft_debug_writer *writer, uint32_t field, const char *title,
                      void (*put)(struct weft_debug_writer *writer, struct weft_slice entry))
{
    struct weft_wire_field dictionary, entry;
    bool is_numbered = field != STRINGS_FIELD;
    uint64_t number = 0;
    for (struct weft_slice rest = writer->dictionary->envelope;
         weft_debug_next(&rest, DICTIONARY_FIELD, &dictionary);) {
        for (struct weft_slice entries = dictionary.bytes; weft_debug_next(&entries, field, &entry); number++) {
            if (is_full(writer)) {
                weft_buffer_append_text(writer->out, "...\n");
                return;
            }
            if (is_numbered) {
                put_unsigned(writer, title, number);
            } else if (number == 0) {
                weft_buffer_append_format(writer->out, "%s\n", title);
            }
            put(writer, entry.bytes);
        }
    }
}

static bool find_last(const struct weft_debug_writer *writer, uint32_t field, struct weft_slice *out_entry)
{
    struct weft_wire_field dictionary, entry;
    bool is_there = false;
    for (struct weft_slice rest = writer->dictionary->envelope;
         weft_debug_next(&rest, DICTIONARY_FIELD, &dictionary);) {
        if (weft_debug_find(dictionary.bytes, field, &entry)) {
            *out_entry = entry.bytes;
            is_there = true;
        }
    }
    return is_there;
}

static void put_last_attribute(struct weft_debug_writer *writer)
{
    struct weft_slice attribute;
    if (find_last(writer, ATTRIBUTES_FIELD, &attribute)) {
        weft_buffer_append_format(writer->out, "Attribute table:\n     -> Key: Int(%" PRId32 ")\n     -> Value: Str(",
                                  number_at(attribute, 1));
        weft_debug_put_value(writer, attribute, 2);
        weft_buffer_append_format(writer->out, ")\n     -> unit: Int(%" PRId32 ")\n", number_at(attribute, 3));
    }
}

static void put_last_link(struct weft_debug_writer *writer)
{
    struct weft_slice link;
    if (find_last(writer, LINKS_FIELD, &link)) {
        weft_buffer_append_text(writer->out, "Link table:\n     -> Trace ID: Str(");
        weft_debug_put_id(writer, weft_debug_bytes(link, 1));
        weft_buffer_append_text(writer->out, ")\n     -> Span ID: Str(");
        weft_debug_put_id(writer, weft_debug_bytes(link, 2));
        weft_buffer_append_text(writer->out, ")\n");
    }
}

void weft_debug_put_dictionary(struct weft_debug_writer *writer)
{
    put_table(writer, MAPPINGS_FIELD, "Mapping #", put_mapping);
    put_table(writer, LOCATIONS_FIELD, "Location #", put_location);
    put_table(writer, FUNCTIONS_FIELD, "Function #", put_function);
    put_last_attribute(writer);
    put_last_link(writer);
    put_table(writer, STRINGS_FIELD, "String table:", put_text_entry);
}

void weft_debug_put_profile(struct weft_debug_writer *writer, uint32_t number, struct weft_slice profile)
{
    struct weft_wire_field sample;
    uint64_t sample_number = 0, unused;
    put_unsigned(writer, "Profile #", number);
    weft_buffer_append_text(writer->out, "    Profile ID     : ");
    weft_debug_put_id(writer, weft_debug_bytes(profile, 7));
    weft_buffer_append_text(writer->out, "\n    Start time     : ");
    weft_debug_put_time(writer, weft_debug_number(profile, 3));
    put_unsigned(writer, "\n    DurationNano   : ", weft_debug_number(profile, 4));
    put_unsigned(writer, "    Dropped attributes count: ", (uint32_t)weft_debug_number(profile, 8));
    for (struct weft_slice rest = profile; weft_debug_next(&rest, SAMPLES_FIELD, &sample); sample_number++) {
        struct weft_debug_numbers numbers = { .rest = sample.bytes };
        put_unsigned(writer, "    Sample #", sample_number);
        put_list(writer, "        Values: ", sample.bytes, VALUES_FIELD);
        if (weft_debug_next_number(&numbers, SAMPLE_ATTRIBUTES_FIELD, true, &unused)) {
            weft_buffer_append_text(writer->out, "        Attributes:\n");
            put_attributes(writer, sample.bytes, SAMPLE_ATTRIBUTES_FIELD, "             -> ", "\n", true);
        }
    }
}
