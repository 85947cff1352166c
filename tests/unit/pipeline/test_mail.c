/* Mail: out to the stage and back, or back unread; and what is no mail, or comes on the wrong thread, goes nowhere. */
#include "pipeline_test.h"

#include "base/base_test.h"
#include "base/thread.h"
#include "pipeline/mail.h"
#include "pipeline/stage.h"
#include "suite.h"

/* A post that keeps the one message until it is delivered by hand. */
static struct weft_message *under_way;
static struct weft_host other_host;
static struct weft_host *const hosts[] = { &host, &other_host };
static unsigned arrived, returned;

static void keep(struct weft_post *post, uint32_t from_worker, uint32_t to_worker, struct weft_message *message)
{
    (void)post;
    ck_assert_uint_ne(from_worker, to_worker);
    under_way = message;
}

static struct weft_post kept_post = { .send = keep, .hosts = hosts, .worker_count = 2 };

static void on_arrived(struct weft_mail *mail, struct weft_stage *stage)
{
    ck_assert(mail->is_away);
    ck_assert_ptr_eq(stage->host, &other_host);
    arrived++;
}

static void on_returned(struct weft_mail *mail)
{
    ck_assert(!mail->is_away);
    returned++;
}

static void deliver(void *message)
{
    ((struct weft_message *)message)->on_delivered(message);
}

static void begin_two(void)
{
    begin_as(2);
    other_host = host;
    other_host.worker_index = 1;
    other_host.stages = NULL;
    host.post = other_host.post = &kept_post;
    arrived = returned = 0;
}

static struct weft_stage_identity *identity;

static void send(struct weft_mail *mail)
{
    *mail = (struct weft_mail){ .on_arrived = on_arrived, .on_returned = on_returned };
    identity = weft_stage_identity_new("stage", "traces", 2);
    weft_mail_send(&host, mail, identity, 1);
}

static void end_two(void)
{
    weft_stage_identity_unref(&identity);
    host.post = NULL;
    end();
}

START_TEST(test_mail_without_a_receiver_comes_back_unread)
{
    struct weft_mail mail;
    begin_two();
    send(&mail);
    deliver(under_way);
    ck_assert_uint_eq(arrived, 0);
    ck_assert(!mail.was_received);
    deliver(under_way);
    ck_assert_uint_eq(returned, 1);
    end_two();
}
END_TEST

START_TEST(test_mail_comes_back_once)
{
    struct weft_mail mail;
    begin_two();
    send(&mail);
    deliver(under_way);
    ck_assert(!base_test_aborts(deliver, under_way));
    deliver(under_way);
    ck_assert(base_test_aborts(deliver, under_way));
    end_two();
}
END_TEST

static void deliver_another(void *message)
{
    struct weft_mail other = { .message = *(struct weft_message *)message };
    other.post = &kept_post;
    other.is_away = true;
    deliver(&other.message);
}

START_TEST(test_what_is_no_mail_is_not_looked_at)
{
    struct weft_mail mail;
    begin_two();
    send(&mail);
    ck_assert(base_test_aborts(deliver_another, under_way));
    deliver(under_way);
    deliver(under_way);
    end_two();
}
END_TEST

static void send_it(void *mail)
{
    weft_mail_send(&host, mail, identity, 1);
}

START_TEST(test_mail_is_sent_and_taken_by_its_workers)
{
    struct weft_mail mail;
    begin_two();
    send(&mail);
    other_host.thread = weft_thread_id() + 1;
    ck_assert(base_test_aborts(deliver, under_way));
    other_host.thread = weft_thread_id();
    deliver(under_way);
    host.thread = weft_thread_id() + 1;
    ck_assert(base_test_aborts(deliver, under_way));
    host.thread = weft_thread_id();
    ck_assert(base_test_aborts(send_it, &mail)); /* it is still away */
    deliver(under_way);
    ck_assert(!base_test_aborts(send_it, &mail));
    host.thread++;
    ck_assert(base_test_aborts(send_it, &mail));
    host.thread = 0;
    end_two();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pipeline/mail");
    TCase *tests = tcase_create("mail");
    tcase_add_test(tests, test_mail_without_a_receiver_comes_back_unread);
    tcase_add_test(tests, test_mail_comes_back_once);
    tcase_add_test(tests, test_what_is_no_mail_is_not_looked_at);
    tcase_add_test(tests, test_mail_is_sent_and_taken_by_its_workers);
    suite_add_tcase(suite, tests);
    return suite_run(suite);
}
