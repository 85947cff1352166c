#pragma once

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "net/body_credit.h"

/* Half received messages of several hosts in one account, and what it did with them. */

enum { CREDIT = 1 << 20, MANY = 4000, HOSTS = 5, OPERATIONS = 60000 };

struct message {
    struct weft_body body;
    bool is_given_up, is_resumed;
    size_t held, resume_count;
};

static struct bench {
    struct weft_loop *loop;
    struct weft_budget budget;
    struct weft_body_credit *credit;
    struct weft_body_address *hosts[HOSTS];
    struct message messages[MANY];
    struct message *last_given_up;
    size_t given_up_count;
} bench;

static inline struct message *message_of(struct weft_body *body)
{
    return WEFT_CONTAINER_OF(body, struct message, body);
}

static inline void on_give_up(struct weft_body *body)
{
    struct message *message = message_of(body);
    message->is_given_up = true;
    bench.last_given_up = message;
    bench.given_up_count++;
    weft_body_end(body);
}

static inline void on_resume(struct weft_body *body)
{
    ck_assert(!weft_body_is_waiting(body));
    message_of(body)->is_resumed = true;
    message_of(body)->resume_count++;
}

static const struct weft_body_kind kind = { on_give_up, on_resume };

static inline void stop_loop(void *context)
{
    weft_loop_stop(context);
}

static inline void tick(void)
{
    struct weft_deferred stop;
    weft_deferred_init(&stop, stop_loop, bench.loop);
    weft_loop_defer(bench.loop, &stop);
    weft_loop_run(bench.loop);
}

/* To the next window. The loop's own clock may be far behind: only timers_run moves it on. */
static inline void next_window(void)
{
    struct weft_timers *timers = weft_loop_timers(bench.loop);
    weft_timers_run(timers, weft_monotonic_after(weft_timers_now(timers), WEFT_NS_PER_S));
    tick();
}

static inline void set_up(struct weft_body_credit_settings settings)
{
    memset(&bench, 0, sizeof bench);
    bench.loop = weft_loop_new();
    settings.credit_bytes = settings.credit_bytes == 0 ? CREDIT : settings.credit_bytes;
    bench.credit = weft_body_credit_new(bench.loop, &bench.budget, &settings);
    for (size_t i = 0; i < HOSTS; i++) {
        char host[] = "10.0.0.0";
        host[7] = (char)('0' + i);
        bench.hosts[i] = weft_body_address_acquire(bench.credit, weft_slice_of_text(host));
    }
}

static inline void tear_down(void)
{
    for (size_t i = 0; i < MANY; i++) {
        weft_body_end(&bench.messages[i].body);
    }
    for (size_t i = 0; i < HOSTS; i++) {
        weft_body_address_release(&bench.hosts[i]);
        ck_assert_ptr_null(bench.hosts[i]);
    }
    struct weft_body_credit_state state = weft_body_credit_read(bench.credit);
    ck_assert_uint_eq(state.begun_count, 0);
    ck_assert_uint_eq(state.held_bytes, 0);
    ck_assert_uint_eq(state.waiting_count, 0);
    weft_body_credit_free(bench.credit);
    weft_loop_free(bench.loop);
}

static inline struct message *begin(size_t index, size_t host, size_t held)
{
    struct message *message = &bench.messages[index];
    ck_assert(weft_body_credit_make_place(bench.credit, bench.hosts[host]));
    weft_body_begin(&message->body, bench.credit, &kind, bench.hosts[host], held);
    message->held = held;
    message->is_given_up = message->is_resumed = false;
    return message;
}

static inline bool move(struct message *message, size_t bytes)
{
    message->held += bytes;
    return weft_body_move(&message->body, bytes, message->held);
}

/* Fills the account from its present state to just above the hard mark. */
static inline void overfill(size_t index)
{
    size_t held = weft_body_credit_read(bench.credit).held_bytes;
    struct message *filler = begin(index, 4, 0);
    move(filler, CREDIT + CREDIT / 4 - held);
    ck_assert_ptr_null(bench.last_given_up);
    move(filler, 1);
}
