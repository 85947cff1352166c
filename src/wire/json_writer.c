/* OTLP/JSON from wire bytes (json_writer.h), for one message at a time: a first pass notes where each field
 * occurs, a second writes the fields in the order of the schema, since JSON wants the elements of a repeated
 * field together and the wire may hold them anywhere. Recursion is bounded by MAX_LEVEL. */
#include "wire/json_writer.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "wire/json_values.h"
#include "wire/otlp_internal.h"
#include "wire/wire_scan.h"

enum { MAX_LEVEL = 100, MAX_FIELDS = 32 };

/* A message in one piece, or in several that count as one behind the other: that is how protobuf merges a singular
 * message that is repeated. The pieces stay where they are: joining them would copy what is repeated inside one another
 * once for each level. */
struct message {
    const struct weft_slice *pieces;
    size_t piece_count;
};

struct position {
    size_t piece;
    size_t offset;
};

/* Where a field of a message occurs: from the start of the first occurrence to the end of the last. */
struct extent {
    bool is_there;
    struct position start;
    struct position end;
};

/* The occurrences of a field, one after the other. */
struct occurrences {
    const struct message *message;
    const struct extent *extent;
    uint32_t number;
    size_t piece;
    struct weft_wire_reader reader;
};

struct writer {
    struct weft_buffer *out;
    struct weft_error *error;
};

static enum weft_status write_message(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                                      const struct message *message, unsigned level);

static void enter_piece(struct occurrences *occurrences, size_t piece, size_t start)
{
    struct weft_slice bytes = occurrences->message->pieces[piece];
    struct position end = occurrences->extent->end;
    size_t stop = piece == end.piece ? end.offset : bytes.length;
    struct weft_slice rest = stop > start ? weft_slice_of(bytes.bytes + start, stop - start) : WEFT_SLICE_EMPTY;
    occurrences->piece = piece;
    occurrences->reader = weft_wire_reader_of(rest);
}

static struct occurrences occurrences_of(const struct message *message, const struct extent *extent, uint32_t number)
{
    struct occurrences occurrences = { .message = message, .extent = extent, .number = number };
    enter_piece(&occurrences, extent->start.piece, extent->start.offset);
    return occurrences;
}

static bool next_occurrence(struct occurrences *occurrences, struct weft_wire_field *out_wire)
{
    for (;;) {
        while (occurrences->reader.at < occurrences->reader.end) {
            const char *reason = weft_wire_scan(&occurrences->reader, out_wire);
            weft_assert(reason == NULL); /* find_extents has been here */
            if (out_wire->number == occurrences->number) {
                return true;
            }
        }
        if (occurrences->piece == occurrences->extent->end.piece) {
            return false;
        }
        enter_piece(occurrences, occurrences->piece + 1, 0);
    }
}

static enum weft_wire_type wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WEFT_WIRE_FIXED32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WEFT_WIRE_FIXED64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WEFT_WIRE_BYTES;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return WEFT_WIRE_VARINT;
    }
    weft_assert(!"protobuf-c type");
}

static bool is_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static bool is_packed(const ProtobufCFieldDescriptor *field, const struct weft_wire_field *wire)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED && wire->type == WEFT_WIRE_BYTES &&
           wire_type_of(field->type) != WEFT_WIRE_BYTES;
}

static enum weft_status malformed(struct writer *writer, const char *where, const char *reason)
{
    return weft_fail(writer->error, WEFT_INVALID, "%s: %s", where, reason);
}

/* Members of one oneof share the place of their "case" in protobuf-c's struct. The last one on the wire wins,
 * so what was noted of the others is forgotten. */
static void forget_rivals(const ProtobufCMessageDescriptor *descriptor, const ProtobufCFieldDescriptor *winner,
                          struct extent *extents)
{
    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (field != winner && is_oneof(field) && field->quantifier_offset == winner->quantifier_offset) {
            extents[i].is_there = false;
        }
    }
}

static enum weft_status find_extents_in(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                                        struct weft_slice bytes, size_t piece, struct extent *extents)
{
    struct weft_wire_reader reader = weft_wire_reader_of(bytes);
    struct weft_wire_field wire;
    while (reader.at < reader.end) {
        const char *reason = weft_wire_scan(&reader, &wire);
        if (reason != NULL) {
            return malformed(writer, descriptor->short_name, reason);
        }
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field(descriptor, wire.number);
        if (field == NULL) {
            continue;
        }
        if (wire.type != wire_type_of(field->type) && !is_packed(field, &wire)) {
            return malformed(writer, field->name, "wire type does not fit");
        }
        struct extent *extent = &extents[field - descriptor->fields];
        size_t start = (size_t)(wire.whole.bytes - bytes.bytes);
        if (!extent->is_there) {
            *extent = (struct extent){ .is_there = true, .start = { piece, start } };
        }
        extent->end = (struct position){ piece, start + wire.whole.length };
        if (is_oneof(field)) {
            forget_rivals(descriptor, field, extents);
        }
    }
    return WEFT_OK;
}

static enum weft_status find_extents(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                                     const struct message *message, struct extent *extents)
{
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < message->piece_count; i++) {
        status = find_extents_in(writer, descriptor, message->pieces[i], i, extents);
    }
    return status;
}

static bool is_id(const ProtobufCFieldDescriptor *field)
{
    static const char *const names[] = { "trace_id", "span_id", "parent_span_id", "profile_id" };
    for (size_t i = 0; i < WEFT_COUNT_OF(names); i++) {
        if (strcmp(field->name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int64_t zigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void write_number(struct weft_buffer *out, ProtobufCType type, uint64_t bits)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        weft_json_put_i64(out, (int32_t)(uint32_t)bits);
        return;
    case PROTOBUF_C_TYPE_SINT32:
        weft_json_put_i64(out, zigzag(bits & UINT32_MAX));
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        weft_json_put_u64(out, bits & UINT32_MAX);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        weft_buffer_append_text(out, bits != 0 ? "true" : "false");
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        weft_json_put_double(out, float_of((uint32_t)bits));
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        weft_json_put_double(out, double_of(bits));
        return;
    default: /* the 64-bit ones, as strings: JavaScript's numbers would lose digits */
        weft_buffer_append_byte(out, '"');
        if (type == PROTOBUF_C_TYPE_UINT64 || type == PROTOBUF_C_TYPE_FIXED64) {
            weft_json_put_u64(out, bits);
        } else {
            weft_json_put_i64(out, type == PROTOBUF_C_TYPE_SINT64 ? zigzag(bits) : (int64_t)bits);
        }
        weft_buffer_append_byte(out, '"');
    }
}

static enum weft_status write_value(struct writer *writer, const ProtobufCFieldDescriptor *field,
                                    const struct weft_wire_field *wire, unsigned level)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return write_message(writer, field->descriptor, &(struct message){ &wire->bytes, 1 }, level + 1);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        weft_buffer_append_json_string(writer->out, wire->bytes);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES && is_id(field)) {
        weft_json_put_hex(writer->out, wire->bytes);
    } else if (field->type == PROTOBUF_C_TYPE_BYTES) {
        weft_json_put_base64(writer->out, wire->bytes);
    } else {
        write_number(writer->out, field->type, wire->number_value);
    }
    return WEFT_OK;
}

/* Comma before all but the first, which gets the key and the bracket: a repeated field without elements is
 * left out. */
static void begin_element(struct writer *writer, const ProtobufCFieldDescriptor *field, bool *is_first,
                          bool *has_members)
{
    if (!*is_first) {
        weft_buffer_append_byte(writer->out, ',');
        return;
    }
    *is_first = false;
    if (*has_members) {
        weft_buffer_append_byte(writer->out, ',');
    }
    *has_members = true;
    weft_json_put_key(writer->out, field->name);
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        weft_buffer_append_byte(writer->out, '[');
    }
}

/* Reads one element of a packed field. */
static const uint8_t *next_packed(const uint8_t *at, const uint8_t *end, enum weft_wire_type type, uint64_t *out_bits)
{
    if (type == WEFT_WIRE_VARINT) {
        return weft_wire_read_varint(at, end, out_bits);
    }
    size_t size_bytes = type == WEFT_WIRE_FIXED64 ? 8 : 4;
    if ((size_t)(end - at) < size_bytes) {
        return NULL;
    }
    uint64_t bits = 0;
    for (size_t i = size_bytes; i > 0; i--) {
        bits = bits << 8 | at[i - 1];
    }
    *out_bits = bits;
    return at + size_bytes;
}

static enum weft_status write_repeated(struct writer *writer, const ProtobufCFieldDescriptor *field,
                                       struct occurrences occurrences, unsigned level, bool *has_members)
{
    bool is_first = true;
    struct weft_wire_field wire;
    while (next_occurrence(&occurrences, &wire)) {
        if (!is_packed(field, &wire)) {
            begin_element(writer, field, &is_first, has_members);
            enum weft_status status = write_value(writer, field, &wire, level);
            if (status != WEFT_OK) {
                return status;
            }
            continue;
        }
        const uint8_t *end = wire.bytes.bytes + wire.bytes.length;
        for (const uint8_t *at = wire.bytes.bytes; at < end;) {
            uint64_t bits;
            at = next_packed(at, end, wire_type_of(field->type), &bits);
            if (at == NULL) {
                return malformed(writer, field->name, "packed values are malformed");
            }
            begin_element(writer, field, &is_first, has_members);
            write_number(writer->out, field->type, bits);
        }
    }
    if (!is_first) {
        weft_buffer_append_byte(writer->out, ']');
    }
    return WEFT_OK;
}

/* count: of the occurrences. What all levels together allocate here is bounded by the message: no byte of it is the tag
 * or the length of more than one occurrence. */
static enum weft_status write_merged(struct writer *writer, const ProtobufCFieldDescriptor *field,
                                     struct occurrences occurrences, size_t count, unsigned level)
{
    struct weft_slice *pieces = weft_try_alloc_raw(count * sizeof *pieces);
    if (pieces == NULL) {
        return weft_fail(writer->error, WEFT_NOMEM, "no memory to merge %s", field->name);
    }
    struct message merged = { pieces, 0 };
    struct weft_wire_field wire;
    while (next_occurrence(&occurrences, &wire)) {
        pieces[merged.piece_count++] = wire.bytes;
    }
    weft_assert(merged.piece_count == count);
    enum weft_status status = write_message(writer, field->descriptor, &merged, level + 1);
    weft_free(pieces);
    return status;
}

static bool is_default(const struct weft_wire_field *wire)
{
    return wire->type == WEFT_WIRE_BYTES ? wire->bytes.length == 0 : wire->number_value == 0;
}

static enum weft_status write_singular(struct writer *writer, const ProtobufCFieldDescriptor *field,
                                       struct occurrences occurrences, unsigned level, bool *has_members)
{
    struct occurrences counted = occurrences;
    struct weft_wire_field wire;
    struct weft_wire_field last = { 0 };
    size_t count = 0;
    while (next_occurrence(&counted, &wire)) {
        last = wire;
        count++;
    }
    bool has_presence = is_oneof(field) || field->type == PROTOBUF_C_TYPE_MESSAGE;
    if (!has_presence && is_default(&last)) {
        return WEFT_OK;
    }
    bool is_first = true;
    begin_element(writer, field, &is_first, has_members);
    return field->type == PROTOBUF_C_TYPE_MESSAGE && count > 1 ? write_merged(writer, field, occurrences, count, level)
                                                               : write_value(writer, field, &last, level);
}

static enum weft_status write_message(struct writer *writer, const ProtobufCMessageDescriptor *descriptor,
                                      const struct message *message, unsigned level)
{
    weft_assert(descriptor->n_fields <= MAX_FIELDS);
    if (level > MAX_LEVEL) {
        return malformed(writer, descriptor->short_name, "is nested too deep");
    }
    struct extent extents[MAX_FIELDS] = { { .is_there = false } };
    enum weft_status status = find_extents(writer, descriptor, message, extents);
    bool has_members = false;
    weft_buffer_append_byte(writer->out, '{');
    for (unsigned i = 0; status == WEFT_OK && i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (!extents[i].is_there) {
            continue;
        }
        struct occurrences occurrences = occurrences_of(message, &extents[i], field->id);
        status = field->label == PROTOBUF_C_LABEL_REPEATED
                     ? write_repeated(writer, field, occurrences, level, &has_members)
                     : write_singular(writer, field, occurrences, level, &has_members);
    }
    weft_buffer_append_byte(writer->out, '}');
    return status;
}

enum weft_status weft_json_write_message(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message,
                                         struct weft_buffer *out, struct weft_error *error)
{
    struct writer writer = { out, error };
    enum weft_status status = write_message(&writer, descriptor, &(struct message){ &message, 1 }, 0);
    if (status == WEFT_OK && weft_buffer_status(out) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory for %zu bytes of JSON", out->length);
    }
    return status;
}

enum weft_status weft_json_write_request(enum weft_signal signal, struct weft_slice request, struct weft_buffer *out,
                                         struct weft_error *error)
{
    return weft_json_write_message(weft_otlp_request_descriptor(signal), request, out, error);
}
