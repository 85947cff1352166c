/* An edit that takes several turns: meanwhile its consumer is closed, its batch is in flight and counted, and what
 * comes of it is what would have come of it at once. */
#include "pipeline/slow_edit.h"

#include "pipeline_test.h"
#include "suite.h"

enum { SPANS = 10, TURNS = 4 };

/* Renames every other span, in so many turns, and takes the first ones out. */
struct editor {
    struct weft_consumer consumer;
    struct weft_consumer *next;
    struct weft_slow_edit slow;
    int turns;
    int removes;
    uint64_t booked;
    enum weft_status status;
    bool looks_whether_to_give_up;
};

static struct editor editor;
static struct stub stub;
static struct counted_ticket counted;

static void rename_spans(struct weft_edit *edit)
{
    for (uint32_t i = 0; i < SPANS; i += 2) {
        static const char edited[] = "\x2a\x06"
                                     "edited";
        struct weft_otlp_record *record = &edit->batch->parts[0].table.records[i];
        record->bytes = (const uint8_t *)edited;
        record->length = sizeof edited - 1;
        weft_edit_note_change(edit);
    }
}

static enum weft_status remove_spans(struct weft_edit *edit)
{
    struct weft_selection selection = { 0 };
    ck_assert_int_eq(weft_selection_begin(&selection, SPANS), WEFT_OK);
    for (int i = 0; i < editor.removes; i++) {
        weft_selection_add(&selection, (size_t)i);
    }
    enum weft_status status = editor.removes > 0 ? weft_edit_remove(edit, &selection) : WEFT_OK;
    weft_selection_fini(&selection);
    return status;
}

static enum weft_status edit_slowly(struct weft_consumer *consumer, struct weft_edit *edit, struct weft_error *error)
{
    ck_assert_ptr_eq(consumer, &editor.consumer);
    enum weft_status status = weft_edit_open(edit);
    for (int turn = 1; turn < editor.turns; turn++) {
        weft_work_did(WEFT_WORK_LOOK_BYTES);
        if (editor.looks_whether_to_give_up && editor.slow.is_given_up) {
            return weft_fail(error, WEFT_CLOSED, "given up");
        }
    }
    if (status != WEFT_OK || editor.status != WEFT_OK) {
        return status != WEFT_OK ? status : weft_fail(error, editor.status, "a statement failed");
    }
    rename_spans(edit);
    return remove_spans(edit);
}

static void book_gone(struct weft_consumer *consumer, struct weft_batch **own_removed)
{
    ck_assert_ptr_eq(consumer, &editor.consumer);
    if (*own_removed != NULL) {
        editor.booked += (*own_removed)->weight;
        weft_batch_end(own_removed, NULL, -1);
    }
}

static const struct weft_slow_edit_operations edits = { .edit = edit_slowly, .book_gone = book_gone };

static enum weft_status editor_consume(struct weft_consumer *consumer, struct weft_batch **own_batch,
                                       struct weft_error *error)
{
    (void)consumer;
    return weft_slow_edit_consume(&editor.slow, own_batch, editor.turns > 1, error);
}

static void editor_next_changed(struct weft_consumer *consumer)
{
    (void)consumer;
    weft_slow_edit_next_changed(&editor.slow);
}

static void editor_audit(const struct weft_consumer *consumer, uint64_t *in_out_count)
{
    (void)consumer;
    weft_slow_edit_audit(&editor.slow, in_out_count);
}

static void editor_drain(struct weft_consumer *consumer, enum weft_drop_reason reason, bool is_forced)
{
    (void)consumer;
    weft_slow_edit_drain(&editor.slow, reason, is_forced);
}

static const struct weft_consumer_operations editor_operations = {
    .consume = editor_consume, .on_next_changed = editor_next_changed, .audit = editor_audit, .drain = editor_drain
};

static void begin_turns(int turns)
{
    begin();
    host.turn_ns = 1;
    stub_init(&stub, "stub");
    editor = (struct editor){ .turns = turns };
    weft_consumer_init(&editor.consumer, &editor_operations, &host, "editor");
    editor.next = &stub.consumer;
    ck_assert_int_eq(weft_slow_edit_init(&editor.slow, &editor.consumer, editor.next, &in_flight, &edits, NULL),
                     WEFT_OK);
    weft_consumer_connect(&editor.consumer, &editor.next, 1);
    counted_init(&counted, SPANS, WEFT_ACKNOWLEDGE_DELIVERED);
}

static void end_turns(void)
{
    ck_assert(editor.consumer.is_open);
    ck_assert_uint_eq(counted.settled, 1);
    weft_slow_edit_fini(&editor.slow);
    weft_consumer_fini(&editor.consumer);
    stub_fini(&stub);
    end();
}

static uint64_t held(void)
{
    uint64_t count = 0;
    editor_audit(&editor.consumer, &count);
    return count;
}

static enum weft_status offer_spans(void)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_batch *batch = spans(0, SPANS, &counted.ticket);
    enum weft_status status = weft_consumer_consume(&editor.consumer, &batch, &error);
    if (batch != NULL) {
        weft_batch_end(&batch, &error, -1);
    }
    return status;
}

static void expect_edited(const struct weft_batch *batch)
{
    struct weft_buffer bytes = { 0 };
    append_bytes(batch, &bytes);
    ck_assert_ptr_nonnull(memmem(bytes.bytes, bytes.length, "edited", 6));
    ck_assert_ptr_nonnull(memmem(bytes.bytes, bytes.length, "span 9", 6));
    ck_assert_ptr_null(memmem(bytes.bytes, bytes.length, "span 8", 6));
    weft_buffer_fini(&bytes);
}

static void expect_passed_on(void)
{
    ck_assert_uint_eq(stub.kept_count, 1);
    expect_edited(stub.kept[0]);
    weft_batch_end(&stub.kept[--stub.kept_count], NULL, -1);
    ck_assert_int_eq(counted.status, WEFT_OK);
    ck_assert_uint_eq(held(), 0);
}

START_TEST(test_one_turn_is_as_any_edit)
{
    begin_turns(_i + 1);
    host.turn_ns = _i == 0 ? 1 : INT64_MAX;
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    expect_passed_on();
    ck_assert_uint_eq(editor.slow.put_off_count, 0);
    end_turns();
}
END_TEST

START_TEST(test_several_turns_keep_the_batch_and_close)
{
    begin_turns(TURNS);
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    for (int turn = 1; turn < TURNS; turn++) {
        ck_assert_uint_eq(held(), SPANS);
        ck_assert_uint_eq(counted.settled, 0);
        ck_assert_uint_eq(stub.offers, 0);
        ck_assert(!editor.consumer.is_open);
        struct weft_batch *second = spans(0, 1, NULL);
        ck_assert_int_eq(weft_consumer_consume(&editor.consumer, &second, NULL), WEFT_CLOSED);
        weft_batch_end(&second, NULL, -1);
        editor_drain(&editor.consumer, WEFT_DROP_RELOAD, false); /* with time left nothing is given up */
        advance(1);
    }
    ck_assert(editor.consumer.is_open);
    ck_assert_uint_eq(editor.slow.put_off_count, 1);
    expect_passed_on();
    end_turns();
}
END_TEST

START_TEST(test_what_follows_is_waited_for_and_asked_once)
{
    begin_turns(TURNS);
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    weft_consumer_set_open(&stub.consumer, false);
    for (int turn = 0; turn < 2 * TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(stub.offers, 0);
    ck_assert_uint_eq(held(), SPANS);
    ck_assert(!editor.consumer.is_open);
    weft_consumer_set_open(&stub.consumer, true);
    ck_assert_uint_eq(stub.offers, 1);
    expect_passed_on();
    end_turns();
}
END_TEST

START_TEST(test_what_follows_closes_as_it_is_asked)
{
    begin_turns(TURNS);
    stub.answer = WEFT_CLOSED;
    stub.must_close = true;
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(stub.offers, 1);
    ck_assert_uint_eq(held(), SPANS);
    stub.answer = WEFT_OK;
    stub.must_close = false;
    weft_consumer_set_open(&stub.consumer, true);
    expect_passed_on();
    end_turns();
}
END_TEST

START_TEST(test_what_is_refused_after_it_was_taken_is_dropped)
{
    begin_turns(TURNS);
    stub.answer = WEFT_INVALID;
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(dropped_for(WEFT_DROP_REFUSED_DOWNSTREAM), SPANS);
    ck_assert_uint_eq(held(), 0);
    end_turns();
}
END_TEST

START_TEST(test_memory_that_runs_out_refuses_in_the_first_turn_and_drops_in_later_ones)
{
    int turns = _i == 0 ? 1 : TURNS;
    begin_turns(turns);
    editor.status = WEFT_NOMEM;
    ck_assert_int_eq(offer_spans(), turns == 1 ? WEFT_NOMEM : WEFT_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(dropped_for(WEFT_DROP_OUT_OF_MEMORY), turns == 1 ? 0 : SPANS);
    ck_assert(weft_status_is_retryable(counted.status));
    ck_assert_uint_eq(stub.offers, 0);
    end_turns();
}
END_TEST

/* What goes is booked when the edit is done, with the rest passed on, waiting, refused, or with nothing left. */
START_TEST(test_what_an_edit_takes_out_is_booked_once)
{
    enum { AT_ONCE, WAITING, REFUSED, NOTHING_LEFT };
    begin_turns(_i == AT_ONCE ? 1 : TURNS);
    editor.removes = _i == NOTHING_LEFT ? SPANS : 3;
    stub.answer = _i == REFUSED ? WEFT_INVALID : WEFT_OK;
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    if (_i == WAITING) {
        weft_consumer_set_open(&stub.consumer, false);
    }
    ck_assert_uint_eq(editor.booked, _i == AT_ONCE ? 3 : 0);
    for (int turn = 1; turn < TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(editor.booked, (uint64_t)editor.removes);
    ck_assert_uint_eq(held(), _i == WAITING ? SPANS - 3 : 0);
    weft_consumer_set_open(&stub.consumer, true);
    ck_assert_uint_eq(stub.kept_count, _i == AT_ONCE || _i == WAITING);
    ck_assert_uint_eq(stub.offers, _i != NOTHING_LEFT);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_REFUSED_DOWNSTREAM), _i == REFUSED ? SPANS - 3 : 0);
    if (stub.kept_count > 0) {
        ck_assert_uint_eq(stub.kept[0]->weight, SPANS - 3);
        weft_batch_end(&stub.kept[--stub.kept_count], NULL, -1);
    }
    ck_assert_uint_eq(held(), 0);
    end_turns();
}
END_TEST

START_TEST(test_an_edit_that_fails_refuses_in_the_first_turn_and_drops_in_later_ones)
{
    int turns = _i == 0 ? 1 : TURNS;
    begin_turns(turns);
    editor.status = WEFT_INVALID;
    ck_assert_int_eq(offer_spans(), turns == 1 ? WEFT_INVALID : WEFT_OK);
    for (int turn = 0; turn < TURNS; turn++) {
        advance(1);
    }
    ck_assert_uint_eq(dropped_for(WEFT_DROP_INVALID), turns == 1 ? 0 : SPANS);
    ck_assert_int_eq(counted.status, WEFT_INVALID); /* either way its clients do not come again */
    ck_assert_uint_eq(stub.offers, 0);
    end_turns();
}
END_TEST

START_TEST(test_a_forced_drain_makes_an_edit_give_up)
{
    begin_turns(1000 * TURNS);
    editor.looks_whether_to_give_up = true;
    editor.removes = 3;
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    advance(1);
    ck_assert_uint_eq(held(), SPANS);
    editor_drain(&editor.consumer, WEFT_DROP_RELOAD, true);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_RELOAD), SPANS);
    ck_assert_uint_eq(editor.booked, 0);
    ck_assert_uint_eq(held(), 0);
    ck_assert(weft_status_is_retryable(counted.status));
    editor.turns = 1; /* and the next one does not */
    editor.removes = 0;
    counted_init(&counted, SPANS, WEFT_ACKNOWLEDGE_DELIVERED);
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    expect_passed_on();
    end_turns();
}
END_TEST

/* In its middle, and when it waits for what follows. */
START_TEST(test_a_forced_drain_ends_it)
{
    begin_turns(TURNS);
    ck_assert_int_eq(offer_spans(), WEFT_OK);
    weft_consumer_set_open(&stub.consumer, false);
    for (int turn = 0; turn < _i * TURNS; turn++) {
        advance(1);
    }
    editor_drain(&editor.consumer, WEFT_DROP_SHUTDOWN, true);
    ck_assert_uint_eq(held(), 0);
    ck_assert_uint_eq(dropped_for(WEFT_DROP_SHUTDOWN), SPANS);
    weft_consumer_set_open(&stub.consumer, true);
    advance(1);
    ck_assert_uint_eq(stub.offers, 0);
    end_turns();
}
END_TEST

START_TEST(test_without_memory_for_a_stack_there_is_none)
{
    begin();
    host.turn_ns = 1;
    stub_init(&stub, "stub");
    editor = (struct editor){ .turns = 1 };
    weft_consumer_init(&editor.consumer, &editor_operations, &host, "editor");
    weft_alloc_fail_at(1);
    ck_assert_int_eq(weft_slow_edit_init(&editor.slow, &editor.consumer, &stub.consumer, &in_flight, &edits, NULL),
                     WEFT_NOMEM);
    weft_alloc_fail_at(0);
    weft_slow_edit_fini(&editor.slow);
    weft_consumer_fini(&editor.consumer);
    stub_fini(&stub);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/slow_edit");
    TCase *tests = tcase_create("slow edit");
    tcase_add_loop_test(tests, test_one_turn_is_as_any_edit, 0, 2);
    tcase_add_test(tests, test_several_turns_keep_the_batch_and_close);
    tcase_add_test(tests, test_what_follows_is_waited_for_and_asked_once);
    tcase_add_test(tests, test_what_follows_closes_as_it_is_asked);
    tcase_add_test(tests, test_what_is_refused_after_it_was_taken_is_dropped);
    tcase_add_loop_test(tests, test_memory_that_runs_out_refuses_in_the_first_turn_and_drops_in_later_ones, 0, 2);
    tcase_add_loop_test(tests, test_what_an_edit_takes_out_is_booked_once, 0, 4);
    tcase_add_loop_test(tests, test_an_edit_that_fails_refuses_in_the_first_turn_and_drops_in_later_ones, 0, 2);
    tcase_add_loop_test(tests, test_a_forced_drain_ends_it, 0, 2);
    tcase_add_test(tests, test_a_forced_drain_makes_an_edit_give_up);
    tcase_add_test(tests, test_without_memory_for_a_stack_there_is_none);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
