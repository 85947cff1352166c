/* Tables for the JSON reader from protobuf-c's descriptors (json_schema.h). Everything here runs once at
 * start-up. */
#include "wire/json_schema.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "common.pb-c.h"
#include "logs.pb-c.h"
#include "metrics.pb-c.h"
#include "profiles.pb-c.h"
#include "trace.pb-c.h"
#include "wire/json_values.h"
#include "wire/otlp_internal.h"
#include "wire/protobuf.h"

enum { MAX_MESSAGES = 128, SEED_TRIES = 10000 };

struct weft_json_schema {
    struct weft_json_message messages[MAX_MESSAGES]; /* the first is the root */
    size_t count;
    uint16_t step_count;
    bool has_data_points;
};

/* What each type of protobuf is in JSON and on the wire. */
static const struct {
    uint8_t kind;
    uint8_t wire_type;
    bool is_zigzag;
} types[] = {
    [PROTOBUF_C_TYPE_INT32] = { WEFT_JSON_I32, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_SINT32] = { WEFT_JSON_I32, WEFT_WIRE_VARINT, true },
    [PROTOBUF_C_TYPE_SFIXED32] = { WEFT_JSON_I32, WEFT_WIRE_FIXED32, false },
    [PROTOBUF_C_TYPE_INT64] = { WEFT_JSON_I64, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_SINT64] = { WEFT_JSON_I64, WEFT_WIRE_VARINT, true },
    [PROTOBUF_C_TYPE_SFIXED64] = { WEFT_JSON_I64, WEFT_WIRE_FIXED64, false },
    [PROTOBUF_C_TYPE_UINT32] = { WEFT_JSON_U32, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_FIXED32] = { WEFT_JSON_U32, WEFT_WIRE_FIXED32, false },
    [PROTOBUF_C_TYPE_UINT64] = { WEFT_JSON_U64, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_FIXED64] = { WEFT_JSON_U64, WEFT_WIRE_FIXED64, false },
    [PROTOBUF_C_TYPE_FLOAT] = { WEFT_JSON_FLOAT, WEFT_WIRE_FIXED32, false },
    [PROTOBUF_C_TYPE_DOUBLE] = { WEFT_JSON_DOUBLE, WEFT_WIRE_FIXED64, false },
    [PROTOBUF_C_TYPE_BOOL] = { WEFT_JSON_BOOL, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_ENUM] = { WEFT_JSON_ENUM, WEFT_WIRE_VARINT, false },
    [PROTOBUF_C_TYPE_STRING] = { WEFT_JSON_STRING, WEFT_WIRE_BYTES, false },
    [PROTOBUF_C_TYPE_BYTES] = { WEFT_JSON_BYTES, WEFT_WIRE_BYTES, false },
    [PROTOBUF_C_TYPE_MESSAGE] = { WEFT_JSON_MESSAGE, WEFT_WIRE_BYTES, false },
};

#define OTLP(package, message) &opentelemetry__proto__##package##__v1__##message##__descriptor
#define PROFILES(message)      &opentelemetry__proto__profiles__v1development__##message##__descriptor

static const struct {
    const ProtobufCMessageDescriptor *descriptor;
    enum weft_json_role role;
} roles[] = {
    { OTLP(common, key_value), WEFT_JSON_ROLE_ATTRIBUTE },
    { OTLP(trace, resource_spans), WEFT_JSON_ROLE_RESOURCE },
    { OTLP(trace, scope_spans), WEFT_JSON_ROLE_SCOPE },
    { OTLP(trace, span), WEFT_JSON_ROLE_RECORD },
    { OTLP(logs, resource_logs), WEFT_JSON_ROLE_RESOURCE },
    { OTLP(logs, scope_logs), WEFT_JSON_ROLE_SCOPE },
    { OTLP(logs, log_record), WEFT_JSON_ROLE_RECORD },
    { OTLP(metrics, resource_metrics), WEFT_JSON_ROLE_RESOURCE },
    { OTLP(metrics, scope_metrics), WEFT_JSON_ROLE_SCOPE },
    { OTLP(metrics, metric), WEFT_JSON_ROLE_RECORD },
    { OTLP(metrics, number_data_point), WEFT_JSON_ROLE_DATA_POINT },
    { OTLP(metrics, histogram_data_point), WEFT_JSON_ROLE_DATA_POINT },
    { OTLP(metrics, exponential_histogram_data_point), WEFT_JSON_ROLE_DATA_POINT },
    { OTLP(metrics, summary_data_point), WEFT_JSON_ROLE_DATA_POINT },
    { PROFILES(resource_profiles), WEFT_JSON_ROLE_RESOURCE },
    { PROFILES(scope_profiles), WEFT_JSON_ROLE_SCOPE },
    { PROFILES(profile), WEFT_JSON_ROLE_RECORD },
    { PROFILES(sample), WEFT_JSON_ROLE_DATA_POINT },
};

static uint8_t role_of(const ProtobufCMessageDescriptor *descriptor)
{
    for (size_t i = 0; i < WEFT_COUNT_OF(roles); i++) {
        if (roles[i].descriptor == descriptor) {
            return (uint8_t)roles[i].role;
        }
    }
    return WEFT_JSON_ROLE_NONE;
}

static struct weft_json_message *message_of(struct weft_json_schema *schema,
                                            const ProtobufCMessageDescriptor *descriptor)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->messages[i].descriptor == descriptor) {
            return &schema->messages[i];
        }
    }
    weft_assert(schema->count < MAX_MESSAGES);
    schema->messages[schema->count] = (struct weft_json_message){
        .descriptor = descriptor,
        .first_step = schema->step_count++,
        .role = role_of(descriptor),
    };
    return &schema->messages[schema->count++];
}

/* Ids are hex where protobuf's JSON has base64: the deviation of OTLP. */
static uint8_t kind_of(const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_BYTES &&
        (strcmp(field->name, "trace_id") == 0 || strcmp(field->name, "profile_id") == 0)) {
        return WEFT_JSON_TRACE_ID;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES &&
        (strcmp(field->name, "span_id") == 0 || strcmp(field->name, "parent_span_id") == 0)) {
        return WEFT_JSON_SPAN_ID;
    }
    return types[field->type].kind;
}

/* As the writer writes it, without quotes and colon. */
static char *camel_name(const char *field_name)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    weft_json_put_key(&text, field_name);
    weft_assert(weft_buffer_status(&text) == WEFT_OK);
    char *name = weft_alloc_format("%.*s", (int)text.length - 3, (const char *)text.bytes + 1);
    weft_buffer_fini(&text);
    return name;
}

/* For weft_json_field_is_at. */
static void fill_key_words(struct weft_json_field *field)
{
    size_t length = strlen(field->name);
    if (length >= sizeof field->key_words) {
        return;
    }
    memcpy(field->key_words, field->name, length);
    memcpy((char *)field->key_words + length, "\"", 1);
    memset(field->key_masks, 0xff, length + 1);
    field->key_length = (uint8_t)(length + 1);
}

static void fill_field(struct weft_json_schema *schema, const ProtobufCFieldDescriptor *descriptor, size_t index,
                       struct weft_json_field *field)
{
    weft_assert((size_t)descriptor->type < WEFT_COUNT_OF(types));
    uint8_t wire_type = types[descriptor->type].wire_type;
    bool is_repeated = descriptor->label == PROTOBUF_C_LABEL_REPEATED;
    bool is_packed = is_repeated && wire_type != WEFT_WIRE_BYTES;
    *field = (struct weft_json_field){
        .name = camel_name(descriptor->name),
        .kind = kind_of(descriptor),
        .wire_type = wire_type,
        .index = (uint8_t)index,
        .is_zigzag = types[descriptor->type].is_zigzag,
        .is_repeated = is_repeated,
        .is_packed = is_packed,
        .is_oneof = (descriptor->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0,
        .step = schema->step_count++,
    };
    fill_key_words(field);
    uint64_t tag = (uint64_t)descriptor->id << 3 | (is_packed ? WEFT_WIRE_BYTES : wire_type);
    field->tag_size = (uint8_t)(weft_wire_put_varint(field->tag, tag) - field->tag);
    if (descriptor->type == PROTOBUF_C_TYPE_MESSAGE) {
        field->message = message_of(schema, descriptor->descriptor);
    } else if (descriptor->type == PROTOBUF_C_TYPE_ENUM) {
        field->values = descriptor->descriptor;
    }
}

/* False when the name lies elsewhere than at its place. */
static bool put_key(struct weft_json_message *message, const char *name, const struct weft_json_field *field)
{
    size_t length = strlen(name);
    weft_assert(length > 0 && length < WEFT_JSON_MAX_KEY);
    uint32_t home = weft_json_key_hash((const uint8_t *)name, length, message->seed) & message->mask;
    uint32_t at = home;
    while (message->keys[at].field != NULL) {
        if (strcmp(message->keys[at].text, name) == 0) {
            return true;
        }
        at = (at + 1) & message->mask;
    }
    struct weft_json_key *key = &message->keys[at];
    key->field = field;
    key->length = (uint32_t)length;
    memcpy(key->text, name, length + 1);
    return at == home;
}

static bool put_all_keys(struct weft_json_message *message, enum weft_json_names names)
{
    bool is_perfect = true;
    memset(message->keys, 0, (message->mask + 1) * sizeof *message->keys);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const struct weft_json_field *field = &message->fields[i];
        is_perfect &= put_key(message, field->name, field);
        if (names == WEFT_JSON_ALL_NAMES) {
            is_perfect &= put_key(message, message->descriptor->fields[i].name, field);
        }
    }
    return is_perfect;
}

/* Looks for a seed that gives every key a place of its own; without one the table still works. */
static void fill_keys(struct weft_json_message *message, enum weft_json_names names)
{
    uint32_t names_count = message->descriptor->n_fields * (names == WEFT_JSON_ALL_NAMES ? 2 : 1);
    uint32_t size = 4;
    while (size < 4 * names_count) {
        size *= 2;
    }
    message->mask = size - 1;
    message->keys = weft_alloc(size * sizeof *message->keys);
    uint32_t seed = 0x9e3779b1;
    for (unsigned i = 0; i < SEED_TRIES; i++) {
        message->seed = seed | 1;
        if (put_all_keys(message, names)) {
            return;
        }
        seed = seed * 1664525u + 1013904223u;
    }
}

struct weft_json_schema *weft_json_schema_new(const ProtobufCMessageDescriptor *root, enum weft_json_names names)
{
    struct weft_json_schema *schema = weft_alloc(sizeof *schema);
    message_of(schema, root);
    for (size_t i = 0; i < schema->count; i++) {
        struct weft_json_message *message = &schema->messages[i];
        unsigned count = message->descriptor->n_fields;
        weft_assert(count <= WEFT_JSON_MAX_FIELDS);
        message->fields = weft_alloc((count + 1) * sizeof *message->fields);
        for (unsigned field = 0; field < count; field++) {
            fill_field(schema, &message->descriptor->fields[field], field, &message->fields[field]);
        }
        fill_keys(message, names);
        schema->has_data_points |= message->role == WEFT_JSON_ROLE_DATA_POINT;
    }
    weft_assert(schema->step_count <= WEFT_JSON_MAX_STEPS);
    return schema;
}

struct weft_json_schema *weft_json_schema_of_request(enum weft_signal signal, enum weft_json_names names)
{
    return weft_json_schema_new(weft_otlp_request_descriptor(signal), names);
}

void weft_json_schema_free(struct weft_json_schema *schema)
{
    if (schema == NULL) {
        return;
    }
    for (size_t i = 0; i < schema->count; i++) {
        struct weft_json_message *message = &schema->messages[i];
        for (unsigned field = 0; field < message->descriptor->n_fields; field++) {
            weft_free((void *)(uintptr_t)message->fields[field].name);
        }
        weft_free(message->fields);
        weft_free(message->keys);
    }
    weft_free(schema);
}

const struct weft_json_message *weft_json_schema_root(const struct weft_json_schema *schema)
{
    return &schema->messages[0];
}

size_t weft_json_schema_step_count(const struct weft_json_schema *schema)
{
    return schema->step_count;
}

bool weft_json_schema_has_data_points(const struct weft_json_schema *schema)
{
    return schema->has_data_points;
}
