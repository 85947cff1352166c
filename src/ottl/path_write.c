/* Writing through paths (path_write.h): by the form of the field, and under keys. */
#include "ottl/path_write.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/utf8.h"
#include "ottl/write.h"

enum { STATUS_FIELD = 15, SPAN_FLAGS_FIELD = 16, LOG_FLAGS_FIELD = 8 };

/* ---- values that are one's own ---- */

static __attribute__((noinline)) enum weft_status repair_text(struct weft_ottl_run *run, struct weft_slice *in_out_text)
{
    struct weft_slice text = *in_out_text;
    struct weft_buffer repaired = { 0 };
    weft_utf8_append_repaired(&repaired, text);
    uint8_t *bytes = weft_buffer_status(&repaired) == WEFT_OK ? weft_ottl_run_take(run, repaired.length) : NULL;
    if (bytes != NULL) {
        weft_work_copy(bytes, repaired.bytes, repaired.length);
        *in_out_text = weft_slice_of(bytes, repaired.length);
    }
    weft_buffer_fini(&repaired);
    return bytes == NULL ? WEFT_NOMEM : WEFT_OK;
}

static inline enum weft_status own_text(struct weft_ottl_run *run, struct weft_slice *in_out_text)
{
    enum { LONG_BYTES = 64 << 10 }; /* what is looked at in pieces */
    const uint8_t *bytes = in_out_text->bytes;
    size_t length = in_out_text->length;
    bool is_valid = length == 0 || (length < LONG_BYTES ? weft_utf8_is_valid(bytes, bytes + length)
                                                        : weft_utf8_valid_length(*in_out_text) == length);
    return is_valid ? WEFT_OK : repair_text(run, in_out_text);
}

static enum weft_status own_value(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value, int depth);

static enum weft_status own_members(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value, int depth)
{
    bool is_map = in_out_value->kind == WEFT_OTTL_MAP;
    enum weft_status status = WEFT_OK;
    if (depth >= WEFT_OTTL_VALUE_MAX_DEPTH) {
        return weft_fail(&run->error, WEFT_INVALID, "a value is nested deeper than %d", WEFT_OTTL_VALUE_MAX_DEPTH);
    }
    struct weft_ottl_map *map = is_map ? weft_ottl_map_open(&run->memory, in_out_value) : NULL;
    struct weft_ottl_list *list = is_map ? NULL : weft_ottl_list_open(&run->memory, in_out_value);
    if (map == NULL && list == NULL) {
        return WEFT_NOMEM;
    }
    for (size_t i = 0; is_map && status == WEFT_OK && i < map->count; i++) {
        status = own_text(run, &map->members[i].key);
        status = status == WEFT_OK ? own_value(run, &map->members[i].value, depth + 1) : status;
    }
    for (size_t i = 0; !is_map && status == WEFT_OK && i < list->count; i++) {
        status = own_value(run, &list->items[i], depth + 1);
    }
    *in_out_value = is_map ? weft_ottl_open_map(map) : weft_ottl_open_list(list);
    return status;
}

static enum weft_status own_value(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value, int depth)
{
    if (in_out_value->kind == WEFT_OTTL_STRING) {
        return own_text(run, &in_out_value->bytes);
    }
    bool is_open =
        (in_out_value->kind == WEFT_OTTL_MAP || in_out_value->kind == WEFT_OTTL_LIST) && !in_out_value->is_wire;
    return is_open ? own_members(run, in_out_value, depth) : WEFT_OK;
}

enum weft_status weft_ottl_value_own(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                     struct weft_ottl_value *out_own)
{
    struct weft_ottl_value own = *value;
    enum weft_status status = own_value(run, &own, 0);
    if (status == WEFT_OK) {
        *out_own = own;
    }
    return status;
}

/* ---- under keys ---- */

static struct weft_ottl_member *find_member(struct weft_ottl_map *map, struct weft_slice key)
{
    for (size_t i = 0; i < map->count; i++) {
        if (weft_slice_equal(map->members[i].key, key)) {
            return &map->members[i];
        }
    }
    return NULL;
}

/* The value of the key in a map that is open, made if there is none. */
static enum weft_status enter_map(struct weft_ottl_run *run, struct weft_ottl_map *map, const struct weft_ottl_key *key,
                                  struct weft_ottl_value **out_value)
{
    struct weft_slice text;
    enum weft_status status = weft_ottl_key_text(run, key, &text);
    if (status != WEFT_OK) {
        return status;
    }
    struct weft_ottl_member *member = find_member(map, text);
    if (member == NULL) {
        status = own_text(run, &text);
        status = status == WEFT_OK ? weft_ottl_map_append(&run->memory, map, text, weft_ottl_nil()) : status;
        member = status == WEFT_OK ? &map->members[map->count - 1] : NULL;
    }
    if (member != NULL) {
        member->wire = WEFT_SLICE_EMPTY;
        *out_value = &member->value;
    }
    return status;
}

static enum weft_status enter_list(struct weft_ottl_run *run, struct weft_ottl_list *list,
                                   const struct weft_ottl_key *key, struct weft_ottl_value **out_value)
{
    int64_t index = 0;
    enum weft_status status = weft_ottl_key_index(run, key, &index);
    if (status != WEFT_OK) {
        return status;
    }
    if (index < 0 || (uint64_t)index >= list->count) {
        return weft_fail(&run->error, WEFT_INVALID, "index %lld is out of bounds", (long long)index);
    }
    *out_value = &list->items[index];
    return WEFT_OK;
}

/* What a key makes of nothing: a map with it, or a list that is so long. */
static enum weft_status make_collection(struct weft_ottl_run *run, const struct weft_ottl_key *key,
                                        struct weft_ottl_value *out_value)
{
    enum { MAX_ITEMS = 10000 };
    struct weft_ottl_value literal = key->literal;
    enum weft_status status = key->node == NULL ? WEFT_OK : weft_ottl_evaluate(run, key->node, &literal);
    if (status != WEFT_OK) {
        return status;
    }
    if (literal.kind == WEFT_OTTL_STRING) {
        static const struct weft_ottl_value nothing = { .kind = WEFT_OTTL_MAP, .is_wire = true, .field = 1 };
        struct weft_ottl_map *map = weft_ottl_map_open(&run->memory, &nothing);
        *out_value = weft_ottl_open_map(map);
        return map == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    if (literal.kind != WEFT_OTTL_INT || literal.integer > MAX_ITEMS) {
        return weft_fail(&run->error, WEFT_INVALID, "a key is a string, or an int up to %d", MAX_ITEMS);
    }
    static const struct weft_ottl_value nothing = { .kind = WEFT_OTTL_LIST, .is_wire = true };
    struct weft_ottl_list *list = weft_ottl_list_open(&run->memory, &nothing);
    status = list == NULL ? WEFT_NOMEM : WEFT_OK;
    for (int64_t i = 0; status == WEFT_OK && (i == 0 || i <= literal.integer); i++) {
        status = weft_ottl_list_append(&run->memory, list, weft_ottl_nil());
    }
    *out_value = weft_ottl_open_list(list);
    return status;
}

static enum weft_status open_for_key(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value,
                                     const struct weft_ottl_key *key)
{
    if (in_out_value->kind == WEFT_OTTL_NIL) {
        return make_collection(run, key, in_out_value);
    }
    if (in_out_value->kind == WEFT_OTTL_MAP && in_out_value->is_wire) {
        struct weft_ottl_map *map = weft_ottl_map_open(&run->memory, in_out_value);
        *in_out_value = weft_ottl_open_map(map);
        return map == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    if (in_out_value->kind == WEFT_OTTL_LIST && in_out_value->is_wire) {
        struct weft_ottl_list *list = weft_ottl_list_open(&run->memory, in_out_value);
        *in_out_value = weft_ottl_open_list(list);
        return list == NULL ? WEFT_NOMEM : WEFT_OK;
    }
    return in_out_value->kind == WEFT_OTTL_MAP || in_out_value->kind == WEFT_OTTL_LIST
               ? WEFT_OK
               : weft_fail(&run->error, WEFT_INVALID, "%s has no keys", weft_ottl_kind_text(in_out_value->kind));
}

static enum weft_status store(struct weft_ottl_run *run, struct weft_ottl_value *to,
                              const struct weft_ottl_value *value)
{
    if (!weft_ottl_is_storable(value)) {
        return weft_fail(&run->error, WEFT_INVALID, "%s can be no value of an attribute",
                         weft_ottl_kind_text(value->kind));
    }
    *to = *value;
    return WEFT_OK;
}

enum weft_status weft_ottl_value_put_under(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value,
                                           const struct weft_ottl_key *keys, size_t key_count,
                                           const struct weft_ottl_value *value)
{
    struct weft_ottl_value *at = in_out_value;
    for (size_t i = 0; i < key_count; i++) {
        enum weft_status status = open_for_key(run, at, &keys[i]);
        if (status == WEFT_OK) {
            status = at->kind == WEFT_OTTL_MAP ? enter_map(run, at->map, &keys[i], &at)
                                               : enter_list(run, at->list, &keys[i], &at);
        }
        if (status != WEFT_OK) {
            return status;
        }
    }
    return store(run, at, value);
}

/* ---- maps ---- */

enum weft_status weft_ottl_path_map(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    struct weft_ottl_value *out_map)
{
    enum weft_status status = weft_ottl_path_read(run, path, out_map);
    if (status == WEFT_OK && out_map->kind != WEFT_OTTL_MAP) {
        return weft_fail(&run->error, WEFT_INVALID, "%.*s: expected a map but got %s", WEFT_SLICE_PRINT(path->text),
                         weft_ottl_kind_text(out_map->kind));
    }
    return status;
}

struct weft_ottl_map *weft_ottl_map_to_change(struct weft_ottl_run *run, const struct weft_ottl_value *map)
{
    return map->is_wire ? weft_ottl_map_open(&run->memory, map) : map->map;
}

/* The whole map; nil empties it. */
static enum weft_status put_map(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                const struct weft_ottl_value *value, struct weft_ottl_map **in_out_map)
{
    static const struct weft_ottl_value nothing = { .kind = WEFT_OTTL_MAP, .is_wire = true, .field = 1 };
    if (value->kind != WEFT_OTTL_MAP && value->kind != WEFT_OTTL_NIL) {
        return weft_ottl_path_expect(run, path, value, WEFT_OTTL_MAP);
    }
    const struct weft_ottl_value *from = value->kind == WEFT_OTTL_NIL ? &nothing : value;
    struct weft_ottl_map *map = from->is_wire ? weft_ottl_map_open(&run->memory, from) : from->map;
    if (map != NULL) {
        *in_out_map = map;
    }
    return map == NULL ? WEFT_NOMEM : WEFT_OK;
}

/* Attributes with other fields between them are put together when they change, which is done on the open map. */
static inline bool has_slot_to_change(const struct weft_ottl_message *message, const struct weft_ottl_path *path)
{
    return message->slots.sought == path->sought && (message->scattered >> message->list_field & 1) == 0;
}

static inline bool put_slot(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                            const struct weft_ottl_value *value, const struct weft_slice *constant)
{
    struct weft_ottl_message *message =
        path->sought == NULL ? NULL : weft_ottl_record_decoded(&run->record, path->row->level);
    if (message == NULL || !has_slot_to_change(message, path)) {
        return false;
    }
    weft_ottl_slots_put(&message->slots, path->slot, value, constant);
    message->touched |= UINT32_C(1) << message->list_field;
    return true;
}

/* Of several attributes of one key the next one counts then: on the open map. */
bool weft_ottl_path_remove_slot(struct weft_ottl_run *run, const struct weft_ottl_path *path)
{
    struct weft_ottl_message *message = weft_ottl_record_decoded(&run->record, path->row->level);
    struct weft_ottl_slots *slots = &message->slots;
    if (!has_slot_to_change(message, path) || (slots->doubled >> path->slot & 1) != 0) {
        return false;
    }
    if (weft_ottl_slots_have(slots, path->slot)) {
        weft_ottl_slots_remove(slots, path->slot);
        message->touched |= UINT32_C(1) << message->list_field;
    }
    return true;
}

static enum weft_status write_map(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                  const struct weft_ottl_value *value)
{
    const struct weft_ottl_path_row *row = path->row;
    uint32_t field = row->field != 0 ? row->field : weft_ottl_record_attributes_field(&run->record, row->level);
    struct weft_ottl_message *message = weft_ottl_record_decoded(&run->record, row->level);
    if (field == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "%.*s: a metric without data has none",
                         WEFT_SLICE_PRINT(path->text));
    }
    if (path->key_count == 0) {
        enum weft_status status = put_map(run, path, value, &message->attributes);
        message->slots.sought = status == WEFT_OK ? NULL : message->slots.sought;
        message->touched |= status == WEFT_OK ? UINT32_C(1) << field : 0;
        return status;
    }
    struct weft_ottl_map *map = weft_ottl_message_attributes(message, field, &run->memory);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_ottl_value attributes = weft_ottl_open_map(map);
    message->touched |= UINT32_C(1) << field; /* a member may be there even if this fails */
    return weft_ottl_value_put_under(run, &attributes, path->keys, path->key_count, value);
}

static enum weft_status write_cache(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    const struct weft_ottl_value *value)
{
    static const struct weft_ottl_value nothing = { .kind = WEFT_OTTL_MAP, .is_wire = true, .field = 1 };
    if (path->key_count == 0) {
        return put_map(run, path, value, &run->record.cache);
    }
    if (run->record.cache == NULL) {
        run->record.cache = weft_ottl_map_open(&run->memory, &nothing);
    }
    if (run->record.cache == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_ottl_value cache = weft_ottl_open_map(run->record.cache);
    return weft_ottl_value_put_under(run, &cache, path->keys, path->key_count, value);
}

/* ---- single fields ---- */

enum weft_status weft_ottl_path_expect(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                       const struct weft_ottl_value *value, enum weft_ottl_kind kind)
{
    return value->kind == kind
               ? WEFT_OK
               : weft_fail(&run->error, WEFT_INVALID, "%.*s takes %s and not %s", WEFT_SLICE_PRINT(path->text),
                           weft_ottl_kind_text(kind), weft_ottl_kind_text(value->kind));
}

static enum weft_status put_id_text(struct weft_ottl_run *run, struct weft_ottl_message *message,
                                    const struct weft_ottl_path *path, struct weft_slice text)
{
    enum { TRACE_ID_BYTES = 16, SPAN_ID_BYTES = 8 };
    size_t length = path->row->form == WEFT_OTTL_FORM_TRACE_ID_TEXT ? TRACE_ID_BYTES : SPAN_ID_BYTES;
    uint8_t id[TRACE_ID_BYTES];
    if (!weft_hex_decode(text, id, length)) {
        return weft_fail(&run->error, WEFT_INVALID, "%.*s takes %zu hex digits", WEFT_SLICE_PRINT(path->text),
                         2 * length);
    }
    return weft_ottl_message_put_bytes(message, path->row->field, weft_slice_of(id, length), &run->memory);
}

/* Flags are of fixed size on the wire, other small numbers are not. */
static enum weft_status put_uint(struct weft_ottl_run *run, struct weft_ottl_message *message,
                                 const struct weft_ottl_path *path, int64_t number)
{
    const struct weft_ottl_path_row *row = path->row;
    bool is_span_flags = row->context == WEFT_OTTL_SPAN && row->field == SPAN_FLAGS_FIELD;
    bool is_log_flags = row->context == WEFT_OTTL_LOG && row->field == LOG_FLAGS_FIELD;
    if (is_span_flags && (number < 0 || number > UINT32_MAX)) {
        return weft_fail(&run->error, WEFT_INVALID, "%.*s takes 0 to 4294967295", WEFT_SLICE_PRINT(path->text));
    }
    return weft_ottl_message_put_number(message, row->field,
                                        is_span_flags || is_log_flags ? WEFT_WIRE_FIXED32 : WEFT_WIRE_VARINT,
                                        (uint32_t)number, &run->memory);
}

static uint64_t nanos_of(const struct weft_ottl_time *time)
{
    return (uint64_t)time->seconds * (uint64_t)WEFT_NS_PER_S + (uint64_t)time->nanos;
}

/* What fields of each form take; those that are not here say so themselves. */
static const enum weft_ottl_kind kinds[] = {
    [WEFT_OTTL_FORM_STRING] = WEFT_OTTL_STRING,
    [WEFT_OTTL_FORM_UINT] = WEFT_OTTL_INT,
    [WEFT_OTTL_FORM_ENUM] = WEFT_OTTL_INT,
    [WEFT_OTTL_FORM_NANOS] = WEFT_OTTL_INT,
    [WEFT_OTTL_FORM_TIME] = WEFT_OTTL_TIME,
    [WEFT_OTTL_FORM_TRACE_ID] = WEFT_OTTL_TRACE_ID,
    [WEFT_OTTL_FORM_TRACE_ID_TEXT] = WEFT_OTTL_STRING,
    [WEFT_OTTL_FORM_SPAN_ID] = WEFT_OTTL_SPAN_ID,
    [WEFT_OTTL_FORM_SPAN_ID_TEXT] = WEFT_OTTL_STRING,
    [WEFT_OTTL_FORM_MESSAGE] = WEFT_OTTL_MESSAGE,
    [WEFT_OTTL_FORM_MESSAGES] = WEFT_OTTL_MESSAGES,
};

bool weft_ottl_path_takes(const struct weft_ottl_path *path, enum weft_ottl_kind kind, enum weft_ottl_kind *out_wanted)
{
    enum weft_ottl_form form = path->row->form;
    if (form >= WEFT_COUNT_OF(kinds) || kinds[form] == WEFT_OTTL_NIL || kind == WEFT_OTTL_NIL) {
        return true;
    }
    *out_wanted = kinds[form];
    return kinds[form] == kind;
}

static enum weft_status write_field(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    const struct weft_ottl_value *value)
{
    const struct weft_ottl_path_row *row = path->row;
    struct weft_ottl_message *message = weft_ottl_record_decoded(&run->record, row->level);
    enum weft_status status = weft_ottl_path_expect(run, path, value, kinds[row->form]);
    if (status != WEFT_OK) {
        return status;
    }
    switch (row->form) {
    case WEFT_OTTL_FORM_STRING:
        weft_ottl_message_lend_bytes(message, row->field, value->bytes);
        return WEFT_OK;
    case WEFT_OTTL_FORM_TRACE_ID:
    case WEFT_OTTL_FORM_SPAN_ID:
    case WEFT_OTTL_FORM_MESSAGE:
        return weft_ottl_message_put_bytes(message, row->field, value->bytes, &run->memory);
    case WEFT_OTTL_FORM_TRACE_ID_TEXT:
    case WEFT_OTTL_FORM_SPAN_ID_TEXT:
        return put_id_text(run, message, path, value->bytes);
    case WEFT_OTTL_FORM_UINT:
        return put_uint(run, message, path, value->integer);
    case WEFT_OTTL_FORM_ENUM:
        return weft_ottl_message_put_number(message, row->field, WEFT_WIRE_VARINT, (uint64_t)(int32_t)value->integer,
                                            &run->memory);
    case WEFT_OTTL_FORM_NANOS:
        return weft_ottl_message_put_number(message, row->field, WEFT_WIRE_FIXED64, (uint64_t)value->integer,
                                            &run->memory);
    case WEFT_OTTL_FORM_TIME:
        return weft_ottl_message_put_number(message, row->field, WEFT_WIRE_FIXED64, nanos_of(&value->time),
                                            &run->memory);
    case WEFT_OTTL_FORM_MESSAGES:
        return weft_ottl_message_put_messages(message, row->field, value, &run->memory);
    case WEFT_OTTL_FORM_MAP:
    case WEFT_OTTL_FORM_CACHE:
    case WEFT_OTTL_FORM_SPECIAL:
        break;
    }
    weft_assert(!"form");
}

/* A Status that was written is one of its span's fields at once, and one that is put is the one that is read. */
static enum weft_status settle_status(struct weft_ottl_run *run, const struct weft_ottl_path *path)
{
    struct weft_ottl_record *record = &run->record;
    bool is_whole = path->row->context == WEFT_OTTL_SPAN && path->row->level == WEFT_OTTL_LEVEL_RECORD &&
                    path->row->field == STATUS_FIELD;
    if (is_whole) {
        record->has_level[WEFT_OTTL_LEVEL_STATUS] = false;
        return WEFT_OK;
    }
    if (path->row->level != WEFT_OTTL_LEVEL_STATUS) {
        return WEFT_OK;
    }
    struct weft_buffer *written = &run->message;
    weft_buffer_clear(written);
    enum weft_status status = weft_ottl_write_message(written, &record->levels[WEFT_OTTL_LEVEL_STATUS], 0, NULL);
    if (status == WEFT_OK) {
        status = weft_ottl_message_put_bytes(weft_ottl_record_decoded(record, WEFT_OTTL_LEVEL_RECORD), STATUS_FIELD,
                                             weft_buffer_slice(written), &run->memory);
    }
    record->has_level[WEFT_OTTL_LEVEL_STATUS] = false;
    return status;
}

/* A text in a field of its own, which is most of what is set besides attributes. */
static inline bool put_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                            const struct weft_ottl_value *value)
{
    const struct weft_ottl_path_row *row = path->row;
    if (row->form != WEFT_OTTL_FORM_STRING || value->kind != WEFT_OTTL_STRING || row->level == WEFT_OTTL_LEVEL_STATUS) {
        return false;
    }
    weft_ottl_message_lend_bytes(weft_ottl_record_decoded(&run->record, row->level), row->field, value->bytes);
    return true;
}

static __attribute__((noinline)) enum weft_status
put_anywhere(struct weft_ottl_run *run, const struct weft_ottl_path *path, const struct weft_ottl_value *value)
{
    const struct weft_ottl_path_row *row = path->row;
    switch (row->form) {
    case WEFT_OTTL_FORM_MAP:
        return write_map(run, path, value);
    case WEFT_OTTL_FORM_CACHE:
        return write_cache(run, path, value);
    case WEFT_OTTL_FORM_SPECIAL:
        return row->write != NULL
                   ? row->write(run, path, value)
                   : weft_fail(&run->error, WEFT_INVALID, "%.*s cannot be set", WEFT_SLICE_PRINT(path->text));
    default:
        break;
    }
    enum weft_status status = write_field(run, path, value);
    return status == WEFT_OK ? settle_status(run, path) : status;
}

static __attribute__((noinline)) enum weft_status put(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                                      const struct weft_ottl_value *value)
{
    /* what cannot be stored leaves an empty member behind: on the open map */
    bool is_storable = value->kind == WEFT_OTTL_STRING || weft_ottl_is_storable(value);
    bool is_put = put_text(run, path, value) || (is_storable && put_slot(run, path, value, NULL));
    return is_put ? WEFT_OK : put_anywhere(run, path, value);
}

enum weft_status weft_ottl_path_put(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    const struct weft_ottl_value *value)
{
    if (value->kind == WEFT_OTTL_STRING && path->sought != NULL) {
        enum weft_ottl_level level = path->row->level;
        struct weft_ottl_message *message = &run->record.levels[level];
        if (run->record.has_level[level] && message->is_decoded && has_slot_to_change(message, path)) {
            weft_ottl_slots_put(&message->slots, path->slot, value, NULL);
            message->touched |= UINT32_C(1) << message->list_field;
            return WEFT_OK; /* which is put most often */
        }
    }
    return put(run, path, value);
}

enum weft_status weft_ottl_path_put_constant(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value, const struct weft_slice *constant)
{
    return put_slot(run, path, value, constant) ? WEFT_OK : put_anywhere(run, path, value);
}
