#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/slice.h"
#include "base/status.h"
#include "wire/signal.h"

/* protobuf-c's descriptors of a message and of all that can be in it, laid out for reading JSON: per message
 * a hash table from key to field in which every key of the schema lies at its place or next to it. Built once
 * at start-up, constant from then on: any worker may read it. */

/* How a value looks in JSON, and what is expected where it looks otherwise. */
#define WEFT_JSON_KIND_ROWS(ROW)                                               \
    ROW(MESSAGE, "an object")                                                  \
    ROW(STRING, "a string")                                                    \
    ROW(BYTES, "a string of base64")                                           \
    ROW(TRACE_ID, "a string of 32 hex digits or none")                         \
    ROW(SPAN_ID, "a string of 16 hex digits or none")                          \
    ROW(BOOL, "true or false")                                                 \
    ROW(ENUM, "a number from -2147483648 to 2147483647 or a name of the enum") \
    ROW(I32, "an integer from -2147483648 to 2147483647")                      \
    ROW(U32, "an integer from 0 to 4294967295")                                \
    ROW(I64, "an integer from -9223372036854775808 to 9223372036854775807")    \
    ROW(U64, "an integer from 0 to 18446744073709551615")                      \
    ROW(DOUBLE, "a number, or one of \"NaN\", \"Infinity\", \"-Infinity\"")    \
    ROW(FLOAT, "a number up to 3.4e38, or \"NaN\", \"Infinity\", \"-Infinity\"")

enum weft_json_kind {
#define WEFT_JSON_KIND_ENUM(name, expected) WEFT_JSON_##name,
    WEFT_JSON_KIND_ROWS(WEFT_JSON_KIND_ENUM)
#undef WEFT_JSON_KIND_ENUM
};

/* What a message is to the reader: an attribute, which has a short way of its own, or one that requests count. */
enum weft_json_role {
    WEFT_JSON_ROLE_NONE,
    WEFT_JSON_ROLE_ATTRIBUTE,
    WEFT_JSON_ROLE_RESOURCE,
    WEFT_JSON_ROLE_SCOPE,
    WEFT_JSON_ROLE_RECORD,
    WEFT_JSON_ROLE_DATA_POINT,
    WEFT_JSON_ROLE_COUNT,
};

struct weft_json_message;

enum { WEFT_JSON_MAX_KEY = 40, WEFT_JSON_MAX_FIELDS = 64, WEFT_JSON_MAX_STEPS = 512, WEFT_JSON_KEY_WORDS = 4 };

struct weft_json_field {
    const char *name;                        /* as in JSON */
    const struct weft_json_message *message; /* of a MESSAGE */
    const ProtobufCEnumDescriptor *values;   /* of an ENUM */
    uint8_t tag[8];                          /* as on the wire; packed if repeated and no text or message */
    uint8_t tag_size;
    uint8_t kind;      /* enum weft_json_kind */
    uint8_t wire_type; /* of one value */
    uint8_t index;     /* in its message */
    bool is_zigzag;    /* sint32, sint64 */
    bool is_repeated;
    bool is_packed;
    bool is_oneof;
    uint8_t key_length;                      /* of name and closing quote; 0: too long for the words */
    uint16_t step;                           /* number of the place after this field, in all of the schema */
    uint64_t key_words[WEFT_JSON_KEY_WORDS]; /* name and closing quote as in memory, */
    uint64_t key_masks[WEFT_JSON_KEY_WORDS]; /* and all ones where they are */
};

struct weft_json_key {
    const struct weft_json_field *field; /* NULL: the place is free */
    uint32_t length;
    char text[WEFT_JSON_MAX_KEY];
};

struct weft_json_message {
    const ProtobufCMessageDescriptor *descriptor;
    struct weft_json_field *fields;
    struct weft_json_key *keys; /* mask + 1 of them, and at least one free */
    uint32_t mask;
    uint32_t seed;
    uint16_t first_step; /* number of the place before the first field */
    uint8_t role;        /* enum weft_json_role */
};

/* The specification knows lowerCamelCase keys only; the Collector also takes the names of the .proto files. */
enum weft_json_names { WEFT_JSON_CAMEL_NAMES, WEFT_JSON_ALL_NAMES };

struct weft_json_schema;

/* The caller owns the schema. */
struct weft_json_schema *weft_json_schema_new(const ProtobufCMessageDescriptor *root, enum weft_json_names names);

/* That of a signal's export request. */
struct weft_json_schema *weft_json_schema_of_request(enum weft_signal signal, enum weft_json_names names);

/* NULL is allowed. */
void weft_json_schema_free(struct weft_json_schema *schema);

const struct weft_json_message *weft_json_schema_root(const struct weft_json_schema *schema);

/* Whether metrics or profiles are in it. */
bool weft_json_schema_has_data_points(const struct weft_json_schema *schema);

/* Steps are numbered from 0 to this. */
size_t weft_json_schema_step_count(const struct weft_json_schema *schema);

static inline uint32_t weft_json_key_hash(const uint8_t *text, size_t length, uint32_t seed)
{
    uint32_t mixed =
        (uint32_t)length | (uint32_t)text[0] << 8 | (uint32_t)text[length / 2] << 16 | (uint32_t)text[length - 1] << 24;
    return mixed * seed >> 16;
}

/* True if the key of the field and its closing quote are at `at`, where there are 8 * WEFT_JSON_KEY_WORDS
 * bytes at least. */
static inline bool weft_json_field_is_at(const struct weft_json_field *field, const uint8_t *at)
{
    uint64_t different = 0;
    for (size_t i = 0; i < WEFT_JSON_KEY_WORDS; i++) {
        uint64_t word;
        memcpy(&word, at + 8 * i, 8);
        different |= (word ^ field->key_words[i]) & field->key_masks[i];
    }
    return different == 0;
}

/* NULL: no field has that key. */
static inline const struct weft_json_field *weft_json_message_find(const struct weft_json_message *message,
                                                                   struct weft_slice key)
{
    if (key.length == 0) {
        return NULL;
    }
    uint32_t at = weft_json_key_hash(key.bytes, key.length, message->seed) & message->mask;
    for (;; at = (at + 1) & message->mask) {
        const struct weft_json_key *candidate = &message->keys[at];
        if (candidate->field == NULL) {
            return NULL;
        }
        if (candidate->length == key.length && memcmp(candidate->text, key.bytes, key.length) == 0) {
            return candidate->field;
        }
    }
}
