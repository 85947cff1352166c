#pragma once

#include "base/buffer.h"
#include "wire/otlp_attributes.h"
#include "wire/otlp_table.h"
#include "wire/protobuf.h"

/* What both of debug's texts are made of: fields of checked messages, written as the Collector's debug exporter writes
 * them, but that control characters are escaped, so that no record can write more than its line. Without memory a
 * buffer is failed, and the text is not shown. */
struct weft_debug_dictionary;

struct weft_debug_writer {
    struct weft_buffer *out;
    const struct weft_debug_dictionary *dictionary; /* of profiles; NULL = there is none */
    size_t most_length;                             /* of out, where something may be longer than what came in */
    struct weft_otlp_attributes attributes;         /* these three: scratch */
    struct weft_buffer stack, value;
    bool is_failed;
};

void weft_debug_writer_fini(struct weft_debug_writer *writer);

/* The last field of that number; false if there is none. */
bool weft_debug_find(struct weft_slice message, uint32_t number, struct weft_wire_field *out_field);

/* Contents, number: empty and 0 if the field is not there. */
struct weft_slice weft_debug_bytes(struct weft_slice message, uint32_t number);
uint64_t weft_debug_number(struct weft_slice message, uint32_t number);
double weft_debug_double(struct weft_slice message, uint32_t number);

/* The fields of that number, one after the other: *in_out_rest is the message at first. False at the end. */
bool weft_debug_next(struct weft_slice *in_out_rest, uint32_t number, struct weft_wire_field *out_field);

/* Numbers of a repeated field, packed or not. at: of the next one; zero at first, with rest the message. */
struct weft_debug_numbers {
    struct weft_slice rest, packed;
};
bool weft_debug_next_number(struct weft_debug_numbers *numbers, uint32_t number, bool is_varint, uint64_t *out_number);

size_t weft_debug_count_numbers(struct weft_slice message, uint32_t number, bool is_varint);

/* Counts from the first: for a list that is read backwards, which is short. */
uint64_t weft_debug_number_at(struct weft_slice message, uint32_t number, bool is_varint, size_t index);

void weft_debug_put_text(struct weft_debug_writer *writer, struct weft_slice text);
void weft_debug_put_id(struct weft_debug_writer *writer, struct weft_slice id); /* "" for all zero */
void weft_debug_put_value(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field);
void weft_debug_put_typed_value(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field);

/* The key of an attribute that was read. */
void weft_debug_put_key(struct weft_debug_writer *writer, const struct weft_otlp_attribute *attribute);
void weft_debug_put_time(struct weft_debug_writer *writer, uint64_t time_unix_nano);

/* As Go's %v and %f. */
void weft_debug_put_shortest(struct weft_debug_writer *writer, double value);
void weft_debug_put_fixed(struct weft_debug_writer *writer, double value);

/* "key=value" for each attribute, after before and between. Returns how many there are. */
size_t weft_debug_put_pairs(struct weft_debug_writer *writer, struct weft_slice message, uint32_t field,
                            const char *before, const char *between);

/* sint32 and sint64 as they are on the wire. */
static inline int weft_debug_zigzag(uint64_t number)
{
    return (int)(int64_t)(number >> 1 ^ (0 - (number & 1)));
}

/* Tables of a request of profiles (debug_profiles.h): where their entries begin, in the request's other fields. */
struct weft_debug_places {
    const uint32_t *items;
    size_t count;
};

struct weft_debug_dictionary {
    struct weft_slice envelope;
    struct weft_debug_places strings, attributes;
};

/* False: it has no such string. */
bool weft_debug_find_string(const struct weft_debug_dictionary *dictionary, int64_t index, struct weft_slice *out_text);

/* How one of the texts shows what a request consists of; number: within what it belongs to. */
struct weft_debug_form {
    void (*put_dictionary)(struct weft_debug_writer *writer); /* of profiles, first; NULL = it does not */
    void (*put_resource)(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                         struct weft_slice header);
    void (*put_scope)(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                      struct weft_slice header);
    void (*put_record)(struct weft_debug_writer *writer, enum weft_signal signal, uint32_t number,
                       struct weft_slice record);
};

/* WEFT_NOMEM only. */
enum weft_status weft_debug_write(const struct weft_otlp_table *table, const struct weft_debug_form *form,
                                  struct weft_buffer *out) WEFT_MUST_CHECK;
