/* Editing with undo: what is refused comes back byte for byte and with what it held, however often and whatever was
 * done to it; what is taken is the edited one; tickets are settled once. */
#include "pipeline/edit.h"

#include "pipeline_test.h"
#include "suite.h"

static struct stub stub;
static struct counted_ticket counted;
static struct weft_payload *wire;

static const enum weft_status refusals[] = { WEFT_CLOSED, WEFT_PARTIAL, WEFT_INVALID, WEFT_NOMEM };

static void begin_edit(void)
{
    begin();
    stub_init(&stub, "stub");
    wire = spans_payload(0, 1);
}

static void end_edit(void)
{
    stub_fini(&stub);
    ck_assert_uint_eq(wire->references, 1);
    weft_payload_unref(&wire);
    end();
}

/* Ten spans, with the compressed message that they came in. */
static struct weft_batch *ten(enum weft_acknowledge acknowledge)
{
    struct weft_payload *payload = spans_payload(0, 10);
    struct weft_otlp_counts counts;
    ck_assert_int_eq(weft_otlp_check(WEFT_TRACES, weft_payload_slice(payload), NULL, &counts, NULL), WEFT_OK);
    counted_init(&counted, 10, acknowledge);
    struct weft_batch *batch =
        weft_batch_try_new(WEFT_TRACES, &payload, wire, WEFT_ENCODING_GZIP, &counts, &counted.ticket);
    ck_assert_ptr_nonnull(batch);
    return batch;
}

/* The first as every component does it: every other span gets another name, of the arena. */
static void rename_some(struct weft_edit *edit)
{
    for (size_t i = 0; i < edit->batch->part_count; i++) {
        struct weft_part *part = &edit->batch->parts[i];
        for (uint32_t j = 0; j < part->table.record_count; j += 2) {
            uint8_t *bytes = weft_arena_try_bytes(part->arena, 8);
            ck_assert_ptr_nonnull(bytes);
            memcpy(bytes,
                   "\x2a\x06"
                   "edited",
                   8);
            part->table.records[j].bytes = bytes;
            part->table.records[j].length = 8;
            weft_edit_note_change(edit);
        }
    }
}

static void select_first(struct weft_selection *selection, size_t count, size_t selected)
{
    ck_assert_int_eq(weft_selection_begin(selection, count), WEFT_OK);
    for (size_t i = 0; i < selected; i++) {
        weft_selection_add(selection, i);
    }
}

enum what { RENAME = 1, REMOVE = 2 };

/* Edits as `what` says and passes on; what was removed of a batch that was taken is ended as filtered. */
static enum weft_status edit_and_pass_on(struct weft_batch **own_batch, unsigned what)
{
    struct weft_edit edit;
    struct weft_selection selection = { 0 };
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_int_eq(weft_edit_begin(&edit, own_batch), WEFT_OK);
    ck_assert_ptr_null(*own_batch);
    if ((what & RENAME) != 0) {
        ck_assert_int_eq(weft_edit_open(&edit), WEFT_OK);
        rename_some(&edit);
    }
    if ((what & REMOVE) != 0) {
        select_first(&selection, 10, 4);
        ck_assert_int_eq(weft_edit_remove(&edit, &selection), WEFT_OK);
    }
    enum weft_status status = weft_edit_pass_on(&edit, &stub.consumer, own_batch, &error);
    ck_assert((status == WEFT_OK) == (*own_batch == NULL));
    ck_assert((edit.removed != NULL) == (status == WEFT_OK && (what & REMOVE) != 0));
    if (edit.removed != NULL) {
        ck_assert_uint_eq(edit.removed->weight, 4);
        ck_assert_uint_eq(counted.settled, 0);
        weft_batch_end(&edit.removed, NULL, -1);
    }
    weft_selection_fini(&selection);
    return status;
}

START_TEST(test_refused_batch_is_what_it_was)
{
    for (unsigned what = RENAME; what <= (RENAME | REMOVE); what++) {
        begin_edit();
        struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED), *before = batch;
        struct weft_buffer bytes = { 0 }, left = { 0 };
        append_bytes(batch, &bytes);
        uint64_t reserved = weft_budget_reserved(&budget);
        for (size_t i = 0; i < WEFT_COUNT_OF(refusals); i++) {
            stub.answer = refusals[i];
            ck_assert_int_eq(edit_and_pass_on(&batch, what), refusals[i]);
            ck_assert_uint_eq(stub.offers, i + 1);
            ck_assert_ptr_eq(batch, before);
            ck_assert(!batch->parts[0].is_open);
            ck_assert_ptr_eq(batch->parts[0].wire, wire);
            weft_buffer_clear(&left);
            append_bytes(batch, &left);
            ck_assert_uint_eq(left.length, bytes.length);
            ck_assert_mem_eq(left.bytes, bytes.bytes, bytes.length);
            ck_assert_uint_eq(counted.ticket.outstanding, 10);
            ck_assert_uint_eq(weft_budget_reserved(&budget), reserved);
        }
        weft_buffer_fini(&bytes);
        weft_buffer_fini(&left);
        weft_batch_end(&batch, NULL, -1);
        ck_assert_uint_eq(counted.settled, 1);
        end_edit();
    }
}
END_TEST

/* What former editors wrote stays; what this one wrote is gone, so that who comes again and again fills no memory. */
START_TEST(test_refused_batch_that_was_open_has_its_rows_and_no_more_memory)
{
    begin_edit();
    struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED), *before = batch;
    struct weft_buffer bytes = { 0 }, left = { 0 };
    ck_assert_int_eq(weft_batch_open(batch), WEFT_OK);
    batch->parts[0].table.records[3].bytes = (const uint8_t *)"\x2a\x03old";
    batch->parts[0].table.records[3].length = 5;
    weft_batch_recount(batch);
    append_bytes(batch, &bytes);
    uint64_t reserved = weft_budget_reserved(&budget);
    stub.answer = WEFT_CLOSED;
    for (size_t i = 0; i < 100; i++) {
        ck_assert_int_eq(edit_and_pass_on(&batch, RENAME | REMOVE), WEFT_CLOSED);
        ck_assert_ptr_eq(batch, before);
        ck_assert_uint_eq(weft_budget_reserved(&budget), reserved);
    }
    append_bytes(batch, &left);
    ck_assert_uint_eq(left.length, bytes.length);
    ck_assert_mem_eq(left.bytes, bytes.bytes, bytes.length);
    weft_buffer_fini(&bytes);
    weft_buffer_fini(&left);
    weft_batch_end(&batch, NULL, -1);
    end_edit();
}
END_TEST

START_TEST(test_taken_batch_is_the_edited_one)
{
    for (unsigned what = RENAME; what <= (RENAME | REMOVE); what++) {
        begin_edit();
        struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED);
        batch->outlet_flow = 3;
        ck_assert_int_eq(edit_and_pass_on(&batch, what), WEFT_OK);
        struct weft_batch *kept = stub.kept[0];
        uint64_t weight = (what & REMOVE) != 0 ? 6 : 10;
        ck_assert_uint_eq(kept->weight, weight);
        ck_assert_uint_eq(kept->outlet_flow, 3);
        struct weft_buffer bytes = { 0 };
        append_bytes(kept, &bytes);
        bool is_renamed = memmem(bytes.bytes, bytes.length, "edited", 6) != NULL;
        ck_assert(is_renamed == ((what & RENAME) != 0));
        weft_buffer_fini(&bytes);
        ck_assert_uint_eq(counted.settled, 0);
        ck_assert_uint_eq(counted.ticket.outstanding, weight);
        weft_batch_end(&stub.kept[0], NULL, -1);
        stub.kept_count = 0;
        ck_assert_uint_eq(counted.settled, 1);
        end_edit();
    }
}
END_TEST

START_TEST(test_batch_without_a_change_passes_as_it_came)
{
    begin_edit();
    struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED), *before = batch, *kept;
    struct weft_edit edit;
    ck_assert_int_eq(weft_edit_begin(&edit, &batch), WEFT_OK);
    ck_assert_int_eq(weft_edit_open(&edit), WEFT_OK);
    ck_assert_int_eq(weft_edit_pass_on(&edit, &stub.consumer, &batch, NULL), WEFT_OK);
    kept = stub.kept[0];
    ck_assert_ptr_eq(kept, before);
    ck_assert(!kept->parts[0].is_open);
    ck_assert_ptr_eq(kept->parts[0].wire, wire);
    ck_assert_uint_eq(counted.ticket.outstanding, 10);
    end_edit();
    ck_assert_uint_eq(counted.settled, 1);
}
END_TEST

START_TEST(test_nothing_left_is_offered_to_nobody)
{
    begin_edit();
    struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_edit edit;
    struct weft_selection selection = { 0 };
    ck_assert_int_eq(weft_edit_begin(&edit, &batch), WEFT_OK);
    select_first(&selection, 10, 10);
    ck_assert_int_eq(weft_edit_remove(&edit, &selection), WEFT_OK);
    stub.answer = WEFT_CLOSED;
    ck_assert_int_eq(weft_edit_pass_on(&edit, &stub.consumer, &batch, NULL), WEFT_OK);
    ck_assert_ptr_null(batch);
    ck_assert_uint_eq(stub.offers, 0);
    ck_assert(!edit.removed->parts[0].is_open);
    expect_spans(edit.removed, 0, 10);
    ck_assert_uint_eq(counted.settled, 0);
    weft_batch_end(&edit.removed, NULL, -1);
    ck_assert_uint_eq(counted.settled, 1);
    weft_selection_fini(&selection);
    end_edit();
}
END_TEST

/* A failure of what was taken reaches the client although the original has ended well. */
START_TEST(test_outcome_of_the_edited_batch_is_the_answer)
{
    begin_edit();
    struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED);
    struct weft_error outcome;
    weft_fail(&outcome, WEFT_INVALID, "the backend refused it");
    ck_assert_int_eq(edit_and_pass_on(&batch, RENAME), WEFT_OK);
    weft_batch_end(&stub.kept[0], &outcome, -1);
    stub.kept_count = 0;
    ck_assert_uint_eq(counted.settled, 1);
    ck_assert_int_eq(counted.status, WEFT_INVALID);
    end_edit();
}
END_TEST

/* ---- editors behind one another ---- */

struct editor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
};

static enum weft_status editor_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                       struct weft_error *error)
{
    struct editor *editor = WEFT_CONTAINER_OF(consumer, struct editor, consumer);
    struct weft_edit edit;
    ck_assert_int_eq(weft_edit_begin(&edit, own_batch), WEFT_OK);
    ck_assert_int_eq(weft_edit_open(&edit), WEFT_OK);
    rename_some(&edit);
    return weft_edit_pass_on(&edit, editor->next, own_batch, error);
}

static const struct weft_consumer_operations editor_operations = { .consume = editor_consume };

START_TEST(test_editors_undo_one_after_the_other)
{
    begin_edit();
    struct editor editors[3];
    for (size_t i = 0; i < 3; i++) {
        weft_consumer_init(&editors[i].consumer, &editor_operations, &host, "editor");
        editors[i].next = i == 0 ? &stub.consumer : &editors[i - 1].consumer;
    }
    struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_ACCEPTED), *before = batch;
    stub.answer = WEFT_CLOSED;
    ck_assert_int_eq(weft_consumer_consume(&editors[2].consumer, &batch, NULL), WEFT_CLOSED);
    ck_assert_ptr_eq(batch, before);
    expect_spans(batch, 0, 10);
    stub.answer = WEFT_OK;
    ck_assert_int_eq(weft_consumer_consume(&editors[2].consumer, &batch, NULL), WEFT_OK);
    ck_assert_uint_eq(counted.ticket.outstanding, 10);
    weft_batch_hand_over(stub.kept[0], 0);
    ck_assert_uint_eq(counted.settled, 1);
    for (size_t i = 0; i < 3; i++) {
        weft_consumer_fini(&editors[i].consumer);
    }
    end_edit();
}
END_TEST

/* ---- allocation failures ---- */

static enum weft_status try_edit(struct weft_batch **own_batch)
{
    struct weft_edit edit;
    struct weft_selection selection = { 0 };
    enum weft_status status = weft_selection_begin(&selection, 10);
    if (status == WEFT_OK) {
        weft_selection_add(&selection, 7);
        status = weft_edit_begin(&edit, own_batch);
    }
    if (status == WEFT_OK) {
        status = weft_edit_open(&edit);
        status = status == WEFT_OK ? weft_edit_remove(&edit, &selection) : status;
        if (status != WEFT_OK) {
            weft_edit_cancel(&edit, own_batch);
        } else {
            status = weft_edit_pass_on(&edit, &stub.consumer, own_batch, NULL);
            weft_batch_end(&edit.removed, NULL, -1);
        }
    }
    weft_selection_fini(&selection);
    return status;
}

START_TEST(test_failed_allocations_leave_the_batch)
{
    for (size_t n = 1, is_done = 0; !is_done; n++) {
        begin_edit();
        struct weft_batch *batch = ten(WEFT_ACKNOWLEDGE_DELIVERED);
        uint64_t reserved = weft_budget_reserved(&budget);
        weft_alloc_fail_at(n);
        enum weft_status status = try_edit(&batch);
        is_done = !weft_alloc_has_failed();
        weft_alloc_fail_at(0);
        ck_assert_int_eq(status, is_done ? WEFT_OK : WEFT_NOMEM);
        if (!is_done) {
            ck_assert_uint_eq(weft_budget_reserved(&budget), reserved);
            expect_spans(batch, 0, 10);
            ck_assert_ptr_eq(batch->parts[0].wire, wire);
            weft_batch_end(&batch, NULL, -1);
        }
        ck_assert(is_done || n < 20);
        end_edit();
        ck_assert_uint_eq(counted.settled, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/edit");
    TCase *tests = tcase_create("edit");
    tcase_add_test(tests, test_refused_batch_is_what_it_was);
    tcase_add_test(tests, test_refused_batch_that_was_open_has_its_rows_and_no_more_memory);
    tcase_add_test(tests, test_taken_batch_is_the_edited_one);
    tcase_add_test(tests, test_batch_without_a_change_passes_as_it_came);
    tcase_add_test(tests, test_nothing_left_is_offered_to_nobody);
    tcase_add_test(tests, test_outcome_of_the_edited_batch_is_the_answer);
    tcase_add_test(tests, test_editors_undo_one_after_the_other);
    tcase_add_test(tests, test_failed_allocations_leave_the_batch);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
