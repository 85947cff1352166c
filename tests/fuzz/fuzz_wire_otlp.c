/* Fuzz target: an export request from a peer, through everything that this floor does with it. The check must say what
 * it says without its short ways; what it accepts must be indexed, go through the table and back with the same counts,
 * split into parts that add up, and become JSON; strings that are no UTF-8 can be repaired or left out. */
#include "base/assert.h"
#include "base/buffer.h"
#include "wire/general_check.h"
#include "wire/json_writer.h"
#include "wire/otlp_index.h"
#include "wire/otlp_internal.h"
#include "wire/otlp_mend.h"
#include "wire/otlp_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checks what a table writes, in one piece, against what the table says. */
static void check_written(const struct weft_otlp_table *table, struct weft_arena *arena)
{
    struct weft_slices slices;
    struct weft_buffer written;
    weft_slices_init(&slices);
    weft_buffer_init(&written, 0);
    if (weft_otlp_table_emit(table, arena, &slices) == WEFT_OK) {
        for (size_t i = 0; i < slices.count; i++) {
            weft_buffer_append(&written, slices.items[i].bytes, slices.items[i].length);
        }
        weft_assert(written.length == slices.length && written.length == weft_otlp_table_size_bytes(table));
        struct weft_otlp_counts counts = { 0 };
        enum weft_status status = weft_otlp_check(table->signal, weft_buffer_slice(&written), NULL, &counts, NULL);
        weft_assert(status == WEFT_OK);
        weft_assert(counts.records == table->record_count && counts.data_points == table->weight);
    }
    weft_buffer_fini(&written);
    weft_slices_fini(&slices);
}

static void split_all(struct weft_otlp_table table, struct weft_arena *arena)
{
    uint64_t weight = table.weight;
    for (unsigned parts = 0; table.record_count > 0 && parts < 64; parts++) {
        struct weft_otlp_table head;
        size_t repeated_bytes;
        if (weft_otlp_table_split(&table, 3, 512, arena, &head, &repeated_bytes) != WEFT_OK) {
            return;
        }
        weft_assert(head.record_count > 0 && head.weight <= 3 && head.weight + table.weight == weight);
        weight -= head.weight;
        check_written(&head, arena);
    }
}

static void take_every_other(struct weft_otlp_table table, struct weft_arena *arena)
{
    struct weft_selection selection = { 0 };
    struct weft_budget budget = { 0 };
    struct weft_arena *own = NULL;
    struct weft_otlp_table picked;
    uint64_t weight = table.weight;
    if (table.record_count > 0 && weft_selection_begin(&selection, table.record_count) == WEFT_OK) {
        for (uint32_t i = 0; i < table.record_count; i += 2) {
            weft_selection_add(&selection, i);
        }
        if (weft_otlp_table_pick(&table, &selection, 0, &budget, &own, &picked) == WEFT_OK) {
            weft_otlp_table_remove(&table, &selection, 0);
            weft_assert(picked.weight + table.weight == weight);
            check_written(&picked, arena);
            check_written(&table, arena);
        }
    }
    weft_arena_unref(&own);
    weft_selection_fini(&selection);
}

static void write_json(enum weft_signal signal, struct weft_slice request)
{
    struct weft_buffer text;
    weft_buffer_init(&text, 0);
    enum weft_status status = weft_json_write_message(weft_otlp_request_descriptor(signal), request, &text, NULL);
    weft_assert(status == WEFT_OK);
    weft_buffer_fini(&text);
}

/* Of bytes that nobody has checked. */
static void index_anything(struct weft_slice bytes)
{
    struct weft_span_index span;
    struct weft_log_index log;
    enum weft_status status = weft_otlp_index_span(bytes, &span);
    weft_assert(status == WEFT_OK || status == WEFT_INVALID);
    status = weft_otlp_index_log(bytes, &log);
    weft_assert(status == WEFT_OK || status == WEFT_INVALID);
}

static void open_attributes(struct weft_slice record, uint32_t field, struct weft_slice region, uint32_t count,
                            struct weft_otlp_attributes *attributes)
{
    if (weft_otlp_attributes_read(record, field, attributes) != WEFT_OK) {
        return;
    }
    weft_assert(attributes->count == count);
    for (size_t i = 0; i < attributes->count; i++) {
        struct weft_slice found;
        bool is_found = weft_otlp_attribute_find(region, field, attributes->items[i].key, &found);
        weft_assert(is_found && found.bytes <= attributes->items[i].contents.bytes);
        struct weft_otlp_value value = weft_otlp_value_of(found, WEFT_OTLP_VALUE_FIELD);
        weft_assert(value.bytes.length <= found.length);
    }
}

static void index_all(const struct weft_otlp_table *table)
{
    struct weft_otlp_attributes attributes = { 0 };
    struct weft_span_index span;
    struct weft_log_index log;
    bool has_index = table->signal == WEFT_TRACES || table->signal == WEFT_LOGS;
    for (uint32_t i = 0; i < table->record_count && has_index; i++) {
        struct weft_slice record = { table->records[i].bytes, table->records[i].length };
        bool is_span = table->signal == WEFT_TRACES;
        enum weft_status status = is_span ? weft_otlp_index_span(record, &span) : weft_otlp_index_log(record, &log);
        weft_assert(status == WEFT_OK);
        open_attributes(record, weft_otlp_attributes_field(table->signal), is_span ? span.attributes : log.attributes,
                        is_span ? span.attribute_count : log.attribute_count, &attributes);
    }
    for (uint32_t i = 0; i < table->resource_count; i++) {
        struct weft_slice header = table->resources[i].header;
        weft_assert(weft_otlp_service_name(header).length <= header.length);
    }
    weft_otlp_attributes_fini(&attributes);
}

static void check_general_way(enum weft_signal signal, struct weft_slice request, enum weft_status status,
                              const struct weft_error *error, const struct weft_otlp_counts *counts)
{
    struct weft_otlp_counts general_counts;
    struct weft_error general_error = WEFT_ERROR_NONE;
    weft_assert(general_check(signal, request, NULL, &general_counts, &general_error) == status);
    weft_assert(strcmp(general_error.text, error->text) == 0);
    weft_assert(status != WEFT_OK || (weft_otlp_counts_equal(&general_counts, counts) &&
                                      general_counts.is_plain == counts->is_plain));
}

static bool has_group(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = false;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
        bool is_message = known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE && field.type == WEFT_WIRE_BYTES;
        if (field.type == WEFT_WIRE_GROUP_START || (is_message && has_group(known->descriptor, field.bytes))) {
            return true;
        }
    }
    return false;
}

static void add_rejected(void *context, struct weft_slice resource_x, uint64_t weight)
{
    (void)resource_x;
    *(uint64_t *)context += weight;
}

static bool is_read(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message)
{
    ProtobufCMessage *read = protobuf_c_message_unpack(descriptor, NULL, message.length, message.bytes);
    if (read == NULL) {
        return false;
    }
    protobuf_c_message_free_unpacked(read, NULL);
    return true;
}

/* Whatever it says, protobuf-c can read what was made of it, if it could before (it does not merge two values of a
 * oneof); nothing is lost that is not counted. */
static void mend(enum weft_signal signal, struct weft_slice request, const struct weft_otlp_counts *counts)
{
    const ProtobufCMessageDescriptor *descriptor = weft_otlp_request_descriptor(signal);
    struct weft_budget budget = { 0 };
    struct weft_payload_pool *pool = weft_payload_pool_new(&budget, 0);
    for (int is_rejecting = 0; is_rejecting < 2; is_rejecting++) {
        uint64_t rejected = 0;
        struct weft_otlp_mending mending = { signal, is_rejecting, request.length + 100, add_rejected, &rejected };
        struct weft_payload *mended = weft_payload_try_new(pool, 0);
        struct weft_otlp_counts after;
        size_t first_bad;
        char place[300];
        enum weft_status status = weft_otlp_mend(&mending, request, mended, &after, &first_bad, NULL);
        weft_assert(status == WEFT_OK && after.bad_texts == 0);
        weft_assert(after.data_points + rejected == counts->data_points);
        weft_assert(is_rejecting || (after.records == counts->records && after.scopes == counts->scopes));
        weft_assert(counts->bad_texts > 0 || weft_slice_equal(weft_payload_slice(mended), request));
        weft_assert(mended->length <= request.length + 100);
        weft_otlp_mend_place(signal, request, first_bad, place, sizeof place);
        weft_assert(has_group(descriptor, request) || is_read(descriptor, weft_payload_slice(mended)) ||
                    !is_read(descriptor, request));
        weft_payload_unref(&mended);
    }
    weft_payload_pool_free(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    enum weft_signal signal = (enum weft_signal)(data[0] % WEFT_SIGNAL_COUNT);
    struct weft_slice request = { data + 1, size - 1 };
    struct weft_otlp_counts counts;
    struct weft_error error = WEFT_ERROR_NONE;
    index_anything(request);
    enum weft_status status = weft_otlp_check(signal, request, NULL, &counts, &error);
    check_general_way(signal, request, status, &error, &counts);
    if (status != WEFT_OK) {
        return 0;
    }
    mend(signal, request, &counts);
    struct weft_arena *arena = weft_arena_try_new();
    struct weft_otlp_table table, other; /* who splits or removes writes to the rows of its own */
    if (arena != NULL && weft_otlp_table_build(signal, request, &counts, arena, &table, NULL) == WEFT_OK &&
        weft_otlp_table_build(signal, request, &counts, arena, &other, NULL) == WEFT_OK) {
        index_all(&table);
        check_written(&table, arena);
        if (!weft_signal_stays_whole(signal)) {
            split_all(table, arena);
        }
        take_every_other(other, arena);
        write_json(signal, request);
    }
    weft_arena_unref(&arena);
    return 0;
}
