/* Requests with strings that are no UTF-8, repaired or with what is bad left out: against a model that is written from
 * the descriptors alone, and by hand where the model would say the same thing in the same way. */
#include "wire/wire_test.h"

#include "base/utf8.h"
#include "suite.h"
#include "wire/otlp_mend.h"

static struct weft_budget budget;
static struct weft_payload_pool *pool;

static void setup(void)
{
    budget = (struct weft_budget){ 0 };
    pool = weft_payload_pool_new(&budget, 1 << 20);
}

static void teardown(void)
{
    weft_payload_pool_free(pool);
    ck_assert_uint_eq(weft_budget_reserved(&budget), 0);
}

/* ---- the model ---- */

/* message with its strings repaired, and how many were; what is unknown as it is. */
static uint32_t model_repair(const ProtobufCMessageDescriptor *descriptor, struct weft_slice message,
                             struct weft_buffer *out)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    struct weft_wire_field field;
    bool has_field = false;
    uint32_t count = 0;
    while (weft_wire_next(&reader, &field, &has_field, NULL) == WEFT_OK && has_field) {
        const ProtobufCFieldDescriptor *known = protobuf_c_message_descriptor_get_field(descriptor, field.number);
        struct weft_buffer child;
        uint32_t repaired = 0;
        weft_buffer_init(&child, 0);
        if (known != NULL && known->type == PROTOBUF_C_TYPE_MESSAGE) {
            repaired = model_repair(known->descriptor, field.bytes, &child);
        } else if (known != NULL && known->type == PROTOBUF_C_TYPE_STRING) {
            repaired = weft_utf8_valid_length(field.bytes) != field.bytes.length;
            weft_utf8_append_repaired_by_part(&child, field.bytes);
        }
        if (repaired == 0) {
            weft_buffer_append(out, field.whole.bytes, field.whole.length);
        } else {
            size_t tag = 1;
            while (field.whole.bytes[tag - 1] >= 0x80) {
                tag++;
            }
            uint8_t length[10];
            weft_buffer_append(out, field.whole.bytes, tag);
            weft_buffer_append(out, length, (size_t)(weft_wire_put_varint(length, child.length) - length));
            weft_buffer_append(out, child.bytes, child.length);
        }
        count += repaired;
        weft_buffer_fini(&child);
    }
    return count;
}

/* ---- a request to be mended ---- */

/* Letters, which stand in texts mostly, become bytes of all kinds, as long as the request stays well formed. */
static void spoil(struct random *random, enum weft_signal signal, struct weft_slice request, uint32_t changes)
{
    uint8_t *bytes = (uint8_t *)(uintptr_t)request.bytes;
    for (uint32_t tries = 0; request.length > 0 && tries < changes; tries++) {
        size_t at = random_below(random, (uint32_t)request.length);
        uint8_t original = bytes[at];
        struct weft_otlp_counts counts;
        if (original >= 'a' && original <= 'z') {
            bytes[at] = (uint8_t)(0x80 | random_next(random));
            bytes[at] = weft_otlp_check(signal, request, NULL, &counts, NULL) == WEFT_OK ? bytes[at] : original;
        }
    }
}

/* What the check counts while a request arrives is what it counts in one go. */
static void check_arriving(enum weft_signal signal, struct weft_slice request, const struct weft_otlp_counts *expected)
{
    struct weft_otlp_checker checker;
    struct weft_otlp_counts counts;
    weft_otlp_checker_init(&checker, signal, NULL);
    for (size_t length = 0; length < request.length; length += 1 + request.length / 7) {
        weft_otlp_checker_advance(&checker, weft_slice_of(request.bytes, length));
    }
    ck_assert_int_eq(weft_otlp_checker_finish(&checker, request, &counts, NULL), WEFT_OK);
    ck_assert(weft_otlp_counts_equal(&counts, expected));
}

struct mended {
    struct weft_payload *payload;
    struct weft_slice bytes;
    struct weft_otlp_counts before, after;
    size_t first_bad;
    uint64_t rejected;
    uint32_t told;
};

static void on_rejected(void *context, struct weft_slice resource_x, uint64_t weight)
{
    struct mended *mended = context;
    ck_assert(resource_x.length > 0);
    mended->rejected += weight;
    mended->told++;
}

static enum weft_status try_mend(enum weft_signal signal, struct weft_slice request, bool is_rejecting,
                                 size_t max_bytes, struct mended *out)
{
    struct weft_error error = WEFT_ERROR_NONE;
    *out = (struct mended){ .payload = weft_payload_try_new(pool, 0) };
    struct weft_otlp_mending mending = { .signal = signal,
                                         .is_rejecting = is_rejecting,
                                         .max_bytes = max_bytes,
                                         .on_rejected = on_rejected,
                                         .context = out };
    ck_assert_int_eq(weft_otlp_check(signal, request, NULL, &out->before, NULL), WEFT_OK);
    check_arriving(signal, request, &out->before);
    enum weft_status status =
        out->payload == NULL ? WEFT_NOMEM
                             : weft_otlp_mend(&mending, request, out->payload, &out->after, &out->first_bad, &error);
    if (status == WEFT_OK) {
        out->bytes = weft_payload_slice(out->payload);
        ck_assert_uint_eq(out->after.bad_texts, 0);
        ck_assert_uint_eq(out->after.data_points + out->rejected, out->before.data_points);
    } else {
        ck_assert_msg(status == WEFT_NOMEM, "%s", error.text);
        weft_payload_unref(&out->payload);
    }
    return status;
}

static struct mended mend(enum weft_signal signal, struct weft_slice request, bool is_rejecting, size_t max_bytes)
{
    struct mended mended;
    ck_assert_int_eq(try_mend(signal, request, is_rejecting, max_bytes, &mended), WEFT_OK);
    return mended;
}

START_TEST(test_repair_changes_bad_strings_and_nothing_else)
{
    uint32_t repaired_requests = 0;
    for (uint64_t seed = 0; seed < 600; seed++) {
        enum weft_signal signal = (enum weft_signal)(seed % WEFT_SIGNAL_COUNT);
        struct random random = { .state = seed, .is_plain = seed % 7 == 0 };
        struct weft_slice request = random_request(&random, signal);
        spoil(&random, signal, request, (uint32_t)(seed % 40));
        struct weft_buffer expected;
        weft_buffer_init(&expected, 0);
        uint32_t bad = model_repair(weft_otlp_request_descriptor(signal), request, &expected);
        struct mended mended = mend(signal, request, false, SIZE_MAX);
        ck_assert_uint_eq(mended.before.bad_texts, bad);
        ck_assert_slice_eq(mended.bytes, weft_buffer_slice(&expected));
        ck_assert_uint_eq(mended.after.records, mended.before.records);
        ck_assert_uint_eq(mended.told, 0);
        repaired_requests += bad > 0;
        weft_payload_unref(&mended.payload);
        weft_buffer_fini(&expected);
        slice_free(request);
    }
    ck_assert_uint_gt(repaired_requests, 200);
}
END_TEST

/* The records that stay are the good ones, in their order. */
START_TEST(test_reject_leaves_out_what_is_bad_and_nothing_else)
{
    uint64_t rejected = 0;
    uint64_t kept = 0;
    for (uint64_t seed = 0; seed < 600; seed++) {
        enum weft_signal signal = seed % 2 == 0 ? WEFT_TRACES : WEFT_LOGS;
        struct random random = { .state = seed + 9000, .is_plain = seed % 7 == 0 };
        struct weft_slice request = random_request(&random, signal);
        spoil(&random, signal, request, 1 + (uint32_t)(seed % 12));
        struct mended mended = mend(signal, request, true, SIZE_MAX);
        struct weft_otlp_walk before = weft_otlp_walk_of(request);
        struct weft_otlp_walk after = weft_otlp_walk_of(mended.bytes);
        struct weft_slice record;
        struct weft_slice former = WEFT_SLICE_EMPTY;
        uint32_t passed_over = 0;
        while (weft_otlp_walk_next(&after, &record)) {
            bool is_found = false;
            while (!is_found && weft_otlp_walk_next(&before, &former)) {
                is_found = weft_slice_equal(record, former);
                passed_over += !is_found;
            }
            ck_assert(is_found);
            kept++;
        }
        ck_assert_uint_le(passed_over, mended.rejected);
        ck_assert(mended.rejected > 0 || mended.before.bad_texts == 0 || mended.after.records == mended.before.records);
        rejected += mended.rejected;
        weft_payload_unref(&mended.payload);
        slice_free(request);
    }
    ck_assert_uint_gt(rejected, 200);
    ck_assert_uint_gt(kept, 500);
}
END_TEST

/* ---- by hand ---- */

/* Writes tag and length around what was written since `start`. */
static void wrap(struct weft_buffer *buffer, size_t start, uint32_t number)
{
    uint8_t header[15];
    size_t length = buffer->length - start;
    size_t size = (size_t)(weft_wire_put_bytes_header(header, number, length) - header);
    ck_assert_ptr_nonnull(weft_buffer_reserve(buffer, size));
    memmove(buffer->bytes + start + size, buffer->bytes + start, length);
    memcpy(buffer->bytes + start, header, size);
    buffer->length += size;
}

static void put_text(struct weft_buffer *buffer, uint32_t number, const char *text)
{
    size_t start = buffer->length;
    weft_buffer_append_text(buffer, text);
    wrap(buffer, start, number);
}

static void put_attribute(struct weft_buffer *buffer, uint32_t number, const char *key, const char *value)
{
    size_t start = buffer->length;
    put_text(buffer, 1, key);
    size_t value_start = buffer->length;
    put_text(buffer, 1, value);
    wrap(buffer, value_start, 2);
    wrap(buffer, start, number);
}

/* One resource with one scope of spans, each with one name; what is NULL is not there. */
static void put_resource(struct weft_buffer *buffer, const char *service, const char *scope, const char *const *names)
{
    size_t start = buffer->length;
    put_attribute(buffer, 1, "service.name", service);
    wrap(buffer, start, 1);
    size_t scope_start = buffer->length;
    put_text(buffer, 1, scope);
    wrap(buffer, scope_start, 1);
    for (; *names != NULL; names++) {
        size_t record = buffer->length;
        put_text(buffer, 5, *names);
        wrap(buffer, record, 2);
    }
    put_text(buffer, 3, "schema");
    wrap(buffer, scope_start, 2);
    wrap(buffer, start, 1);
}

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

START_TEST(test_bad_heads_take_all_records_under_them)
{
    struct weft_buffer request;
    struct weft_buffer expected;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&expected, 0);
    put_resource(&request, "first", "lib", NAMES("a", "b\xff", "c"));
    put_resource(&request, "sec\xffond", "lib", NAMES("d", "e"));
    put_resource(&request, "third", "\xfflib", NAMES("f", "g", "h"));
    put_resource(&request, "fourth", "lib", NAMES("\xc3"));
    put_resource(&request, "fifth", "lib", NAMES("i"));
    put_resource(&expected, "first", "lib", NAMES("a", "c"));
    put_resource(&expected, "fifth", "lib", NAMES("i"));
    struct mended mended = mend(WEFT_TRACES, weft_buffer_slice(&request), true, SIZE_MAX);
    ck_assert_slice_eq(mended.bytes, weft_buffer_slice(&expected));
    ck_assert_uint_eq(mended.rejected, 1 + 2 + 3 + 1);
    ck_assert_uint_eq(mended.told, 4);
    char place[128];
    weft_otlp_mend_place(WEFT_TRACES, weft_buffer_slice(&request), mended.first_bad, place, sizeof place);
    ck_assert_ptr_nonnull(strstr(place, ": resource_spans[0].scope_spans[0].spans[1].name"));
    weft_payload_unref(&mended.payload);
    weft_buffer_fini(&request);
    weft_buffer_fini(&expected);
}
END_TEST

static void put_metric(struct weft_buffer *buffer, const char *name, const char *const *points)
{
    size_t start = buffer->length;
    put_text(buffer, 1, name);
    size_t gauge = buffer->length;
    for (; *points != NULL; points++) {
        put_attribute(buffer, 7, "k", *points);
        wrap(buffer, buffer->length - 7 - strlen(*points) - 2, 1);
    }
    wrap(buffer, gauge, 5);
    wrap(buffer, start, 2);
}

static void put_metrics(struct weft_buffer *buffer, bool is_whole)
{
    put_metric(buffer, "points", is_whole ? NAMES("a", "\xff", "c") : NAMES("a", "c"));
    if (is_whole) {
        put_metric(buffer, "all", NAMES("\xff", "\x80"));
        put_metric(buffer, "na\xffme", NAMES("a", "b", "c"));
    }
    put_metric(buffer, "good", NAMES("a"));
    wrap(buffer, 0, 2);
    wrap(buffer, 0, 1);
}

START_TEST(test_points_are_rejected_one_by_one)
{
    struct weft_buffer request;
    struct weft_buffer expected;
    weft_buffer_init(&request, 0);
    weft_buffer_init(&expected, 0);
    put_metrics(&request, true);
    put_metrics(&expected, false);
    struct mended mended = mend(WEFT_METRICS, weft_buffer_slice(&request), true, SIZE_MAX);
    ck_assert_slice_eq(mended.bytes, weft_buffer_slice(&expected));
    ck_assert_uint_eq(mended.rejected, 1 + 2 + 3);
    weft_payload_unref(&mended.payload);
    weft_buffer_fini(&request);
    weft_buffer_fini(&expected);
}
END_TEST

/* Every byte before every other, near to the mark before and further away. */
START_TEST(test_repair_reads_every_pair_of_bytes_as_one_by_one)
{
    for (unsigned first = 1; first < 256; first++) {
        struct weft_buffer text, repaired, request, expected;
        weft_buffer_init(&text, 0);
        weft_buffer_init(&repaired, 0);
        weft_buffer_init(&request, 0);
        weft_buffer_init(&expected, 0);
        for (unsigned second = 1; second < 256; second++) {
            weft_buffer_append(&text, "twelve bytes", second % 13);
            weft_buffer_append(&text, (const uint8_t[]){ (uint8_t)first, (uint8_t)second }, 2);
        }
        weft_utf8_append_repaired_by_part(&repaired, weft_buffer_slice(&text));
        weft_buffer_append(&text, "", 1);
        weft_buffer_append(&repaired, "", 1);
        put_resource(&request, "service", "lib", NAMES((const char *)text.bytes));
        put_resource(&expected, "service", "lib", NAMES((const char *)repaired.bytes));
        struct mended mended = mend(WEFT_TRACES, weft_buffer_slice(&request), false, SIZE_MAX);
        ck_assert_slice_eq(mended.bytes, weft_buffer_slice(&expected));
        weft_payload_unref(&mended.payload);
        weft_buffer_fini(&text);
        weft_buffer_fini(&repaired);
        weft_buffer_fini(&request);
        weft_buffer_fini(&expected);
    }
}
END_TEST

/* A text of nothing but bad bytes would be three times as long; lengths around it need another byte then. */
START_TEST(test_repair_stays_below_the_limit)
{
    enum { TEXT = 100 };
    char text[TEXT + 1];
    memset(text, 0xff, TEXT);
    text[TEXT] = '\0';
    struct weft_buffer request;
    weft_buffer_init(&request, 0);
    put_resource(&request, "service", "lib", NAMES("a", text, text));
    size_t least = request.length;
    uint32_t marks = 0;
    for (size_t limit = 0; limit < least + 5 * TEXT; limit += 7) {
        struct mended mended = mend(WEFT_TRACES, weft_buffer_slice(&request), false, limit);
        ck_assert_uint_le(mended.bytes.length, limit > least ? limit : least);
        ck_assert_uint_eq(mended.after.records, 3);
        marks += mended.bytes.length > least + TEXT;
        weft_payload_unref(&mended.payload);
    }
    ck_assert_uint_gt(marks, 0);
    weft_buffer_fini(&request);
}
END_TEST

START_TEST(test_without_memory_nothing_is_left_behind)
{
    struct random random = { .state = 77 };
    struct weft_slice request = random_request(&random, WEFT_TRACES);
    spoil(&random, WEFT_TRACES, request, 200);
    struct mended mended = { 0 };
    enum weft_status status = WEFT_NOMEM;
    for (uint64_t at = 1; status == WEFT_NOMEM; at++) {
        weft_payload_pool_trim(pool);
        weft_alloc_fail_at(at);
        status = try_mend(WEFT_TRACES, request, at % 2 == 0, SIZE_MAX, &mended);
        weft_alloc_fail_at(0);
    }
    weft_payload_unref(&mended.payload);
    slice_free(request);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_repair_changes_bad_strings_and_nothing_else,    test_reject_leaves_out_what_is_bad_and_nothing_else,
        test_bad_heads_take_all_records_under_them,          test_points_are_rejected_one_by_one,
        test_repair_reads_every_pair_of_bytes_as_one_by_one, test_repair_stays_below_the_limit,
        test_without_memory_nothing_is_left_behind,
    };
    Suite *suite = suite_create("otlp_mend");
    TCase *tcase = tcase_create("otlp_mend");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 100);
    for (size_t i = 0; i < WEFT_COUNT_OF(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
