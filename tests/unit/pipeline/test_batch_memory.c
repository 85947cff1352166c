/* What batches cost is what they reserve: many small requests, whole, opened and edited, merged and cloned, against the
 * heap's own count. */
#include <malloc.h>

#include "pipeline_test.h"
#include "suite.h"

enum { REQUESTS = 5000, SPANS = 3, SPAN_BYTES = 1000 };

/* The sanitizer's count where it has taken the heap's place. */
extern size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_bytes(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return __sanitizer_get_current_allocated_bytes();
    }
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Three spans with names of about a kilobyte: what an instrumented request sends. */
static struct weft_batch *small_request(void)
{
    static const char name[SPAN_BYTES] = { 'n' };
    struct weft_buffer request = { 0 }, resource = { 0 }, scope = { 0 };
    for (uint32_t i = 0; i < SPANS; i++) {
        struct weft_buffer span = { 0 };
        put_field(&span, 5, name, sizeof name);
        put_message(&scope, 2, &span);
    }
    put_message(&resource, 2, &scope);
    put_message(&request, 1, &resource);
    struct weft_payload *payload = weft_payload_try_new(host.pool, request.length);
    weft_payload_append(payload, request.bytes, request.length);
    weft_buffer_fini(&request);
    return batch_of(WEFT_TRACES, payload, NULL);
}

/* Replaces every record by bytes of the arena, a few more than it had: what an attribute more comes to. */
static void edit(struct weft_batch *batch)
{
    ck_assert_int_eq(weft_batch_open(batch), WEFT_OK);
    for (size_t i = 0; i < batch->part_count; i++) {
        struct weft_part *part = &batch->parts[i];
        for (uint32_t j = 0; j < part->table.record_count; j++) {
            struct weft_otlp_record *record = &part->table.records[j];
            uint8_t *bytes = weft_arena_try_bytes(part->arena, record->length + 24);
            memcpy(bytes, record->bytes, record->length);
            memcpy(bytes + record->length, "\x2a\x16name of the edited one", 24);
            record->bytes = bytes;
            record->length += 24;
        }
    }
    weft_batch_recount(batch);
}

struct mark {
    size_t heap, reserved;
};

static struct mark mark_now(void)
{
    return (struct mark){ heap_bytes(), weft_budget_reserved(&budget) };
}

static void expect_reserved(const char *what, struct mark before, size_t most_bytes)
{
    struct mark now = mark_now();
    size_t heap = now.heap - before.heap, reserved = now.reserved - before.reserved;
    printf("%s: %.2f MiB on the heap, %.2f MiB reserved (%.1f %%)\n", what, (double)heap / (1 << 20),
           (double)reserved / (1 << 20), 100.0 * (double)reserved / (double)heap);
    ck_assert_uint_ge(reserved * 10, heap * 9);
    ck_assert_uint_le(reserved, heap);
    ck_assert_uint_le(heap, most_bytes);
}

static struct weft_batch *batches[REQUESTS];

START_TEST(test_small_requests_reserve_what_they_cost)
{
    begin();
    struct mark before = mark_now();
    for (size_t i = 0; i < REQUESTS; i++) {
        batches[i] = small_request();
    }
    expect_reserved("whole", before, REQUESTS * 4800);
    for (size_t i = 0; i < REQUESTS; i++) {
        ck_assert_int_eq(weft_batch_open(batches[i]), WEFT_OK);
    }
    expect_reserved("opened", before, REQUESTS * 5200);
    for (size_t i = 0; i < REQUESTS; i++) {
        edit(batches[i]);
    }
    expect_reserved("edited", before, REQUESTS * 10000);
    for (size_t i = 0; i < REQUESTS; i++) {
        weft_batch_end(&batches[i], NULL, -1);
    }
    end();
}
END_TEST

/* One batch of 5,000 parts, and a clone of it that is edited once more. */
START_TEST(test_lists_of_parts_and_clones_are_reserved)
{
    begin();
    struct mark before = mark_now();
    struct weft_batch *batch = small_request();
    for (size_t i = 1; i < REQUESTS; i++) {
        struct weft_batch *other = small_request();
        ck_assert_int_eq(weft_batch_merge(batch, &other), WEFT_OK);
    }
    expect_reserved("merged", before, REQUESTS * 4800);
    edit(batch);
    expect_reserved("merged and edited", before, REQUESTS * 10000);
    struct weft_batch *clone = weft_batch_try_clone(batch);
    ck_assert_ptr_nonnull(clone);
    expect_reserved("with a clone", before, REQUESTS * 10400);
    size_t with_clone = weft_budget_reserved(&budget);
    edit(clone);
    ck_assert_uint_gt(weft_budget_reserved(&budget), with_clone);
    expect_reserved("with an edited clone", before, REQUESTS * 16000);
    /* What was written for the clone goes with it, though the arena that it was made from stays. */
    weft_batch_end(&clone, NULL, -1);
    expect_reserved("without it", before, REQUESTS * 10000);
    weft_batch_end(&batch, NULL, -1);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/batch_memory");
    TCase *tests = tcase_create("memory");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_small_requests_reserve_what_they_cost);
    tcase_add_test(tests, test_lists_of_parts_and_clones_are_reserved);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
