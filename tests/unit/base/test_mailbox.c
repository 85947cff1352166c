/* Mailbox: order, capacity and wake rule with one thread; nothing lost or doubled with several. */
#include "base/base_test.h"

#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/mailbox.h"
#include "base/thread.h"

enum { SENDERS = 4, MESSAGES = 20000, BOX_CAPACITY = 64, WAIT_MS = 30000 };

struct note {
    struct weft_message message;
    size_t sender;
    size_t number;
};

/* The owner's side; only the thread that delivers touches it. */
static size_t received[SENDERS + 1];
static size_t out_of_order_count;

static void on_delivered(struct weft_message *message)
{
    struct note *note = WEFT_CONTAINER_OF(message, struct note, message);
    out_of_order_count += note->number != received[note->sender];
    received[note->sender]++;
    weft_free(note);
}

static struct note *new_note(size_t sender, size_t number)
{
    struct note *note = weft_alloc(sizeof *note);
    *note = (struct note){ .message = { .on_delivered = on_delivered }, .sender = sender, .number = number };
    return note;
}

static bool is_readable(const struct weft_mailbox *mailbox, int timeout_ms)
{
    struct pollfd wanted = { .fd = weft_mailbox_descriptor(mailbox), .events = POLLIN };
    return poll(&wanted, 1, timeout_ms) == 1;
}

static void forget_received(void)
{
    memset(received, 0, sizeof received);
    out_of_order_count = 0;
}

START_TEST(test_owner_is_woken_from_empty_to_non_empty)
{
    forget_received();
    struct weft_mailbox *mailbox = weft_mailbox_new(10);
    ck_assert(!is_readable(mailbox, 0));
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 0)->message), WEFT_OK);
    ck_assert(is_readable(mailbox, 0));
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 1)->message), WEFT_OK);
    weft_mailbox_deliver(mailbox);
    ck_assert(!is_readable(mailbox, 0));
    ck_assert_uint_eq(received[0], 2);
    ck_assert_uint_eq(out_of_order_count, 0);
    weft_mailbox_deliver(mailbox);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 2)->message), WEFT_OK);
    ck_assert(is_readable(mailbox, 0));
    weft_mailbox_deliver(mailbox);
    ck_assert_uint_eq(received[0], 3);
    weft_mailbox_free(mailbox);
}
END_TEST

/* Readable is readable after one wake and after ten. So each wake is taken away before the next message is posted. */
START_TEST(test_no_second_wake_while_mail_waits)
{
    forget_received();
    struct weft_mailbox *mailbox = weft_mailbox_new(10);
    for (size_t round = 0; round < 3; round++) {
        ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, round * 3)->message), WEFT_OK);
        ck_assert(is_readable(mailbox, 0));
        uint64_t wakes;
        ck_assert_int_eq(read(weft_mailbox_descriptor(mailbox), &wakes, sizeof wakes), sizeof wakes);
        ck_assert(!is_readable(mailbox, 0));
        ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, round * 3 + 1)->message), WEFT_OK);
        ck_assert(!is_readable(mailbox, 0));
        weft_mailbox_post_always(mailbox, &new_note(0, round * 3 + 2)->message);
        ck_assert(!is_readable(mailbox, 0));
        weft_mailbox_deliver(mailbox);
        ck_assert_uint_eq(received[0], (round + 1) * 3);
    }
    ck_assert_uint_eq(out_of_order_count, 0);
    weft_mailbox_free(mailbox);
}
END_TEST

START_TEST(test_full_box_refuses_and_the_sender_keeps_the_message)
{
    forget_received();
    struct weft_mailbox *mailbox = weft_mailbox_new(2);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 0)->message), WEFT_OK);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 1)->message), WEFT_OK);
    struct note *kept = new_note(0, 2);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &kept->message), WEFT_LIMIT);
    weft_mailbox_post_always(mailbox, &kept->message);
    weft_mailbox_deliver(mailbox);
    ck_assert_uint_eq(received[0], 3);
    ck_assert_uint_eq(out_of_order_count, 0);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &new_note(0, 3)->message), WEFT_OK);
    weft_mailbox_deliver(mailbox);
    weft_mailbox_free(mailbox);
}
END_TEST

static void post_twice(void *context)
{
    struct weft_mailbox *mailbox = context;
    struct note *note = new_note(0, 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(weft_mailbox_post(mailbox, &note->message), WEFT_OK);
    }
}

/* Gone with what it was in, and still in the box. */
static void overwrite_posted(void *context)
{
    struct weft_mailbox *mailbox = context;
    struct note *note = new_note(0, 0);
    ck_assert_int_eq(weft_mailbox_post(mailbox, &note->message), WEFT_OK);
    note->message = (struct weft_message){ .on_delivered = on_delivered };
    weft_mailbox_deliver(mailbox);
}

START_TEST(test_message_is_in_one_box_once)
{
    struct weft_mailbox *mailbox = weft_mailbox_new(4);
    ck_assert(base_test_aborts(post_twice, mailbox));
    ck_assert(base_test_aborts(overwrite_posted, mailbox));
    weft_mailbox_free(mailbox);
}
END_TEST

static struct weft_mailbox *echo_mailbox;

static void on_echo(struct weft_message *message)
{
    struct note *note = WEFT_CONTAINER_OF(message, struct note, message);
    note->message.on_delivered = on_delivered;
    ck_assert_int_eq(weft_mailbox_post(echo_mailbox, &note->message), WEFT_OK);
}

START_TEST(test_message_posted_during_delivery_waits_for_the_next)
{
    forget_received();
    echo_mailbox = weft_mailbox_new(1);
    struct note *note = new_note(0, 0);
    note->message.on_delivered = on_echo;
    ck_assert_int_eq(weft_mailbox_post(echo_mailbox, &note->message), WEFT_OK);
    weft_mailbox_deliver(echo_mailbox);
    ck_assert_uint_eq(received[0], 0);
    ck_assert(is_readable(echo_mailbox, 0));
    weft_mailbox_deliver(echo_mailbox);
    ck_assert_uint_eq(received[0], 1);
    weft_mailbox_free(echo_mailbox);
}
END_TEST

struct sender {
    struct weft_mailbox *mailbox;
    struct weft_atomic_u64 *refused_total;
    size_t index;
};

static void send_all(void *context)
{
    struct sender *sender = context;
    for (size_t i = 0; i < MESSAGES; i++) {
        struct note *note = new_note(sender->index, i);
        while (weft_mailbox_post(sender->mailbox, &note->message) != WEFT_OK) {
            weft_atomic_add(sender->refused_total, 1);
            poll(NULL, 0, 0);
        }
    }
    weft_mailbox_post_always(sender->mailbox, &new_note(SENDERS, 0)->message);
}

START_TEST(test_several_senders_lose_and_reorder_nothing)
{
    forget_received();
    struct weft_mailbox *mailbox = weft_mailbox_new(BOX_CAPACITY);
    struct weft_atomic_u64 refused_total = { 0 };
    struct sender senders[SENDERS];
    struct weft_thread *threads[SENDERS];
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){ mailbox, &refused_total, i };
        threads[i] = weft_thread_start("sender", send_all, &senders[i]);
    }
    /* The owner sleeps until woken: a lost wake would end in the time-out. */
    while (received[SENDERS] < SENDERS) {
        ck_assert_msg(is_readable(mailbox, WAIT_MS), "not woken");
        weft_mailbox_deliver(mailbox);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        weft_thread_join(threads[i]);
        ck_assert_uint_eq(received[i], MESSAGES);
    }
    ck_assert_uint_eq(out_of_order_count, SENDERS - 1); /* the goodbyes, all numbered 0 */
    weft_mailbox_free(mailbox);
}
END_TEST

START_TEST(test_without_a_descriptor_there_is_none)
{
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = { .rlim_cur = 0, .rlim_max = before.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_ptr_null(weft_mailbox_try_new(1));
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

int main(void)
{
    const struct base_test tests[] = {
        BASE_TEST(test_owner_is_woken_from_empty_to_non_empty),
        BASE_TEST(test_no_second_wake_while_mail_waits),
        BASE_TEST(test_full_box_refuses_and_the_sender_keeps_the_message),
        BASE_TEST(test_message_is_in_one_box_once),
        BASE_TEST(test_message_posted_during_delivery_waits_for_the_next),
        BASE_TEST(test_several_senders_lose_and_reorder_nothing),
        BASE_TEST(test_without_a_descriptor_there_is_none),
    };
    return BASE_TEST_RUN("mailbox", tests);
}
