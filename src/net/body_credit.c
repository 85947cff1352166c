/* Who of those whose message is half received goes on, waits, or is given up (body_credit.h). The order is kept by
 * lists: `settled` has one for each power of two of bytes moved, twice, for those that have moved in this window and
 * those that did in the one before. Whoever has not by the end of a window is `idle`. */
#include "net/body_credit.h"

#include "base/alloc.h"
#include "base/assert.h"
#include "net/body_credit_internal.h"

enum {
    DEFAULT_CREDIT_BYTES = 64 * 1024 * 1024,
    DEFAULT_MAX_BEGUN = 10000,
    SMALL_BYTES = 256 * 1024,       /* so much of a message never waits: small ones do not wait for large ones */
    SLICE_BYTES = 256 * 1024,       /* what one that goes on beyond the credit may take until it waits again */
    GRANT_BYTES = 1024 * 1024,      /* what one that is resumed within the credit is thought to take at once */
    UNKNOWN_REST_BYTES = 64 * 1024, /* of a message that does not say how long it is */
    SLACK_BYTES = 64 * 1024,        /* of a message beside its bytes: the calls of small ones that come meanwhile */
    GIVEN_UP_AT_ONCE = 64,
    GIVEN_UP_MOST = 1024, /* a turn, even where the limit has fallen to a part of what is held: 10 us each */
    RELIEVED_AT_ONCE = 256,
    PLACE_TRIES = 4,
    LONG_WAIT_WINDOWS = 2, /* more than one whole one */
};

static const int64_t window_ns = 1 * WEFT_NS_PER_S;
static const int64_t relief_pause_ns = 5 * WEFT_NS_PER_MS;

static void end_window(void *context);
static void relieve_more(void *context);
static void release_waiting(void *context);

struct weft_body_credit *weft_body_credit_new(struct weft_loop *loop, struct weft_budget *budget,
                                              const struct weft_body_credit_settings *settings)
{
    struct weft_body_credit *credit = weft_alloc(sizeof *credit);
    weft_set_magic(credit, body_credit);
    credit->loop = loop;
    credit->budget = budget;
    uint32_t workers = settings->worker_count == 0 ? 1 : settings->worker_count;
    uint32_t begun = settings->max_begun == 0 ? DEFAULT_MAX_BEGUN : settings->max_begun;
    uint32_t of_address = settings->max_begun_per_address == 0 ? (begun + 1) / 2 : settings->max_begun_per_address;
    credit->worker_count = workers;
    credit->credit_bytes = settings->credit_bytes == 0 ? DEFAULT_CREDIT_BYTES : settings->credit_bytes;
    credit->max_begun = (begun + workers - 1) / workers;
    credit->max_begun_per_address = (of_address + workers - 1) / workers;
    credit->window = 2; /* nobody is as old as that */
    weft_list_init(&credit->idle);
    weft_list_init(&credit->waiting);
    for (int of_window = 0; of_window < 2; of_window++) {
        weft_list_init(&credit->fresh[of_window]);
        for (int grade = 0; grade < WEFT_BODY_GRADES; grade++) {
            weft_list_init(&credit->settled[of_window][grade]);
        }
    }
    weft_body_addresses_init(&credit->addresses);
    weft_timer_init(&credit->window_end, end_window, credit);
    weft_timer_init(&credit->more_relief, relieve_more, credit);
    weft_deferred_init(&credit->release, release_waiting, credit);
    return credit;
}

void weft_body_credit_free(struct weft_body_credit *credit)
{
    if (credit == NULL) {
        return;
    }
    weft_check_magic(credit, body_credit);
    weft_assert(credit->begun_count == 0 && credit->held_bytes == 0 && credit->reserved_bytes == 0);
    weft_body_addresses_fini(&credit->addresses);
    struct weft_timers *timers = weft_loop_timers(credit->loop);
    weft_timer_cancel(timers, &credit->window_end);
    weft_timer_cancel(timers, &credit->more_relief);
    weft_deferred_cancel(&credit->release);
    weft_clear_magic(credit, body_credit);
    weft_free(credit);
}

void weft_body_credit_note_largest(struct weft_body_credit *credit, size_t message_bytes)
{
    credit->largest_bytes = message_bytes > credit->largest_bytes ? message_bytes : credit->largest_bytes;
}

void weft_body_credit_note_promised(struct weft_body_credit *credit, size_t message_bytes)
{
    weft_body_credit_note_largest(credit, message_bytes);
    credit->promised_bytes = message_bytes > credit->promised_bytes ? message_bytes : credit->promised_bytes;
}

void weft_body_credit_pause(struct weft_body_credit *credit)
{
    credit->pause_count++;
}

void weft_body_credit_unpause(struct weft_body_credit *credit)
{
    weft_assert(credit->pause_count > 0);
    credit->pause_count--;
    if (credit->pause_count == 0 && credit->begun_count > 0) {
        weft_timer_set_after(weft_loop_timers(credit->loop), &credit->window_end, window_ns);
    }
}

/* ---- marks ---- */

static size_t larger(size_t left, size_t right)
{
    return left > right ? left : right;
}

static size_t smaller(size_t left, size_t right)
{
    return left < right ? left : right;
}

static size_t credit_of(const struct weft_body_credit *credit)
{
    size_t share = weft_budget_share(credit->budget, credit->credit_bytes);
    return credit->worker_count == 1 ? share : share / credit->worker_count;
}

static size_t missing_of(const struct weft_body *body)
{
    return body->expected_bytes > body->held_bytes ? body->expected_bytes - body->held_bytes : UNKNOWN_REST_BYTES;
}

/* Above this somebody must go at once. A quarter is for small ones and slices, and another for the one that goes on to
 * its end, or as much as that takes; what windows have promised to one message may come as well. Twice the credit is
 * where the pipelines refuse everybody. */
static size_t hard_mark(const struct weft_body_credit *credit, size_t credit_bytes)
{
    size_t mark = credit_bytes + credit_bytes / 4;
    const struct weft_body *leader = credit->leader;
    if (leader != NULL) {
        size_t promised = smaller(leader->reserved_bytes, credit_bytes / 4);
        mark = larger(mark + promised, leader->held_bytes + missing_of(leader) + SLACK_BYTES);
    }
    return larger(mark, credit->promised_bytes + SLACK_BYTES);
}

/* What may stay when memory is overdrawn, by whatever. */
static size_t rest_when_overdrawn(const struct weft_body_credit *credit)
{
    uint64_t excess = weft_budget_reserved(credit->budget) - weft_budget_limit(credit->budget);
    size_t rest = credit->held_bytes > excess ? credit->held_bytes - (size_t)excess : 0;
    return larger(rest, credit->largest_bytes);
}

/* ---- the order ---- */

/* A power of two and a bit of bytes is one grade. */
static unsigned grade_of(size_t bytes)
{
    return bytes == 0 ? 0 : 63 - (unsigned)__builtin_clzll((unsigned long long)bytes);
}

static void place(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    unsigned of_window = credit->window & 1;
    struct weft_list *list = &credit->fresh[of_window];
    if (credit->window - body->first_window > 1) {
        unsigned grade = grade_of(larger(body->former_bytes, body->window_bytes));
        list = &credit->settled[of_window][smaller(grade, WEFT_BODY_GRADES - 1)];
    }
    if (body->node.next != list) { /* else it is the last there already */
        weft_list_remove(&body->node);
        weft_list_push_back(list, &body->node);
    }
}

static void note_movement(struct weft_body *body, size_t bytes)
{
    const struct weft_body_credit *credit = body->credit;
    if (body->window != credit->window) {
        body->former_bytes = credit->window - body->window == 1 ? body->window_bytes : 0;
        body->window_bytes = 0;
        body->window = credit->window;
    }
    body->window_bytes += bytes;
    body->has_waited_long = false;
}

static bool keeps_pace(const struct weft_body *body)
{
    bool is_of_late = body->credit->window - body->window <= 1;
    return body->is_waiting || (is_of_late && larger(body->former_bytes, body->window_bytes) >= WEFT_BODY_SLOW_BYTES);
}

static void append_all(struct weft_list *head, struct weft_list *from)
{
    if (weft_list_is_empty(from)) {
        return;
    }
    struct weft_list *last = head->previous;
    last->next = from->next;
    from->next->previous = last;
    from->previous->next = head;
    head->previous = from->previous;
    weft_list_init(from);
}

static struct weft_body *first_of(struct weft_body_credit *credit, struct weft_list *list)
{
    credit->step_count++;
    struct weft_list *node = weft_list_first(list);
    return node == NULL ? NULL : WEFT_CONTAINER_OF(node, struct weft_body, node);
}

static struct weft_body *last_of(struct weft_body_credit *credit, struct weft_list *list)
{
    credit->step_count++;
    return weft_list_is_empty(list) ? NULL : WEFT_CONTAINER_OF(list->previous, struct weft_body, node);
}

static struct weft_body *first_settled(struct weft_body_credit *credit, unsigned first_grade, unsigned end_grade)
{
    unsigned of_former = ~credit->window & 1;
    for (unsigned grade = first_grade; grade < end_grade; grade++) {
        for (unsigned i = 0; i < 2; i++) {
            struct weft_body *body = first_of(credit, &credit->settled[of_former ^ i][grade]);
            if (body != NULL) {
                return body;
            }
        }
    }
    return NULL;
}

static struct weft_body *slowest(struct weft_body_credit *credit)
{
    struct weft_body *body = first_of(credit, &credit->idle);
    return body != NULL ? body : first_settled(credit, 0, WEFT_BODY_SLOW_GRADES);
}

static struct weft_body *next_to_go(struct weft_body_credit *credit)
{
    unsigned of_former = ~credit->window & 1;
    struct weft_body *body = slowest(credit);
    body = body != NULL ? body : first_of(credit, &credit->fresh[of_former]);
    body = body != NULL ? body : first_of(credit, &credit->fresh[of_former ^ 1]);
    body = body != NULL ? body : last_of(credit, &credit->waiting);
    return body != NULL ? body : first_settled(credit, WEFT_BODY_SLOW_GRADES, WEFT_BODY_GRADES);
}

static void give_up(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    weft_check_magic(body, body);
    credit->given_up_count++;
    credit->is_pressed = true;
    body->kind->give_up(body);
    weft_assert(body->credit == NULL || body->credit != credit);
}

/* ---- giving up ---- */

/* Begun at the hard mark it goes on to the credit, some at a time, so that nobody is away for long. It goes on with the
 * next piece that comes, or soon without one. False: that was all for this turn. */
static bool shed(struct weft_body_credit *credit, size_t allowed, size_t wanted)
{
    struct weft_body *body;
    for (size_t count = 0; credit->held_bytes > wanted; count++) {
        bool is_enough = count >= GIVEN_UP_MOST || (count >= GIVEN_UP_AT_ONCE && credit->held_bytes <= allowed);
        if (is_enough || (body = next_to_go(credit)) == NULL) {
            credit->is_shedding = credit->held_bytes > wanted;
            if (is_enough) {
                weft_timer_set_after(weft_loop_timers(credit->loop), &credit->more_relief, relief_pause_ns);
            }
            return count < GIVEN_UP_MOST;
        }
        give_up(body);
    }
    credit->is_shedding = false;
    return true;
}

static void keep_limits(struct weft_body_credit *credit)
{
    size_t credit_bytes = credit_of(credit), hard = hard_mark(credit, credit_bytes);
    bool is_over = credit->held_bytes > hard || credit->is_shedding;
    if (is_over && !shed(credit, hard, hard - hard / 5)) {
        return;
    }
    if (weft_budget_is_overdrawn(credit->budget)) {
        size_t rest = rest_when_overdrawn(credit);
        if (credit->held_bytes > rest) {
            (void)shed(credit, rest, rest);
        }
    }
}

/* Somebody waits: who hardly moves makes way. */
static void relieve(struct weft_body_credit *credit)
{
    if (credit->waiting_count == 0 || credit->pause_count > 0) {
        return;
    }
    size_t low = credit_of(credit);
    low -= low / 8;
    struct weft_body *body;
    for (size_t count = 0; credit->held_bytes > low && (body = slowest(credit)) != NULL; count++) {
        if (count == RELIEVED_AT_ONCE) {
            weft_timer_set_after(weft_loop_timers(credit->loop), &credit->more_relief, relief_pause_ns);
            return;
        }
        give_up(body);
    }
}

static void relieve_more(void *context)
{
    struct weft_body_credit *credit = context;
    weft_check_magic(credit, body_credit);
    keep_limits(credit);
    relieve(credit);
}

static void end_window(void *context)
{
    struct weft_body_credit *credit = context;
    weft_check_magic(credit, body_credit);
    if (credit->begun_count == 0) {
        return;
    }
    weft_timer_set_after(weft_loop_timers(credit->loop), &credit->window_end, window_ns);
    if (credit->pause_count > 0) {
        return;
    }
    unsigned of_former = ~credit->window & 1;
    for (unsigned grade = 0; grade < WEFT_BODY_GRADES; grade++) {
        append_all(&credit->idle, &credit->settled[of_former][grade]);
    }
    append_all(&credit->idle, &credit->fresh[of_former]);
    credit->window++;
    relieve(credit);
    weft_loop_defer(credit->loop, &credit->release);
}

/* ---- waiting ---- */

bool weft_body_may_grow(const struct weft_body *body)
{
    const struct weft_body_credit *credit = body->credit;
    if (credit == NULL || body->held_bytes <= SMALL_BYTES || body->held_bytes < body->grant_end) {
        return true;
    }
    return !body->is_waiting && credit->held_bytes <= credit_of(credit) && !weft_budget_is_overdrawn(credit->budget);
}

static void end_grant(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    weft_assert(credit->reserved_bytes >= body->reserved_bytes);
    credit->reserved_bytes -= body->reserved_bytes;
    body->reserved_bytes = body->grant_end = 0;
    if (credit->leader == body) {
        credit->leader = NULL;
    }
}

void weft_body_wait(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    if (credit == NULL || body->is_waiting) {
        return;
    }
    body->is_waiting = true;
    body->wait_window = credit->window;
    credit->waiting_count++;
    credit->is_pressed = true;
    weft_list_remove(&body->node);
    if (body->reserved_bytes > 0) {
        weft_list_push_front(&credit->waiting, &body->node); /* it has used up its slice: it does go on */
        end_grant(body);
    } else {
        weft_list_push_back(&credit->waiting, &body->node);
    }
    relieve(credit);
    weft_loop_defer(credit->loop, &credit->release);
}

static void stop_waiting(struct weft_body *body)
{
    if (body->is_waiting) {
        body->is_waiting = false;
        body->credit->waiting_count--;
    }
}

/* Beyond the credit one goes on to its end, and as many by slices as there is room for below the hard mark: many are
 * tried at once whether they go on at all. */
static bool grant(struct weft_body_credit *credit, struct weft_body *body, size_t credit_bytes)
{
    size_t missing = missing_of(body);
    if (credit->leader == NULL) {
        credit->leader = body;
        body->reserved_bytes = missing;
        body->grant_end = SIZE_MAX;
    } else {
        size_t slice = smaller(missing, SLICE_BYTES);
        if (credit->reserved_bytes - credit->leader->reserved_bytes + slice > credit_bytes / 4) {
            return false;
        }
        body->reserved_bytes = slice;
        body->grant_end = body->held_bytes + slice;
    }
    credit->reserved_bytes += body->reserved_bytes;
    return true;
}

static void resume(struct weft_body *body)
{
    stop_waiting(body);
    body->has_waited_long = body->credit->window - body->wait_window >= LONG_WAIT_WINDOWS;
    body->window = body->first_window = body->credit->window;
    body->window_bytes = body->former_bytes = 0;
    place(body);
    body->kind->resume(body);
}

static void release_waiting(void *context)
{
    struct weft_body_credit *credit = context;
    weft_check_magic(credit, body_credit);
    size_t credit_bytes = credit_of(credit);
    size_t low = weft_budget_is_overdrawn(credit->budget) ? 0 : credit_bytes - credit_bytes / 8;
    size_t granted = 0;
    struct weft_list *node;
    while ((node = weft_list_first(&credit->waiting)) != NULL) {
        struct weft_body *body = WEFT_CONTAINER_OF(node, struct weft_body, node);
        weft_check_magic(body, body);
        if (credit->held_bytes + granted <= low) {
            granted += smaller(missing_of(body), GRANT_BYTES);
        } else if (!grant(credit, body, credit_bytes)) {
            return;
        }
        resume(body);
    }
}

/* ---- a message ---- */

bool weft_body_credit_make_place(struct weft_body_credit *credit, struct weft_body_address *address)
{
    bool is_greedy = weft_body_address_count(address) >= credit->max_begun_per_address;
    if (credit->begun_count < credit->max_begun && !is_greedy) {
        return true;
    }
    struct weft_body_address *from =
        is_greedy ? address : weft_body_addresses_greediest(&credit->addresses, &credit->step_count);
    for (int i = 0; i < PLACE_TRIES; i++) {
        struct weft_body *body = weft_body_address_next(from);
        credit->step_count++;
        if (body != NULL && !keeps_pace(body)) {
            give_up(body);
            return true;
        }
    }
    credit->is_pressed = true;
    return false;
}

void weft_body_begin(struct weft_body *body, struct weft_body_credit *credit, const struct weft_body_kind *kind,
                     struct weft_body_address *address, size_t held_bytes)
{
    weft_assert(body->credit == NULL);
    weft_set_magic(body, body);
    body->credit = credit;
    body->kind = kind;
    body->held_bytes = held_bytes;
    body->expected_bytes = body->reserved_bytes = body->grant_end = body->window_bytes = body->former_bytes = 0;
    body->window = body->first_window = credit->window;
    body->is_waiting = body->has_waited_long = false;
    weft_list_init(&body->node);
    weft_body_address_add(&credit->addresses, address, body);
    credit->begun_count++;
    credit->held_bytes += held_bytes;
    place(body);
    if (!weft_timer_is_set(&credit->window_end)) {
        weft_timer_set_after(weft_loop_timers(credit->loop), &credit->window_end, window_ns);
    }
}

void weft_body_note_silence(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    if (credit == NULL || body->is_waiting || !body->has_waited_long || credit->pause_count > 0) {
        return;
    }
    weft_list_remove(&body->node);
    weft_list_push_back(&credit->idle, &body->node);
    relieve(credit);
}

bool weft_body_move(struct weft_body *body, size_t moved_bytes, size_t held_bytes)
{
    struct weft_body_credit *credit = body->credit;
    if (credit == NULL) {
        return false;
    }
    weft_check_magic(body, body);
    credit->held_bytes += held_bytes - body->held_bytes;
    body->held_bytes = held_bytes;
    note_movement(body, moved_bytes);
    if (!body->is_waiting) {
        place(body);
    }
    keep_limits(credit);
    return body->credit != NULL;
}

void weft_body_end(struct weft_body *body)
{
    struct weft_body_credit *credit = body->credit;
    if (credit == NULL) {
        return;
    }
    weft_check_magic(body, body);
    stop_waiting(body);
    weft_list_remove(&body->node);
    weft_body_address_remove(&credit->addresses, body);
    weft_assert(credit->begun_count > 0 && credit->held_bytes >= body->held_bytes);
    end_grant(body);
    credit->begun_count--;
    credit->held_bytes -= body->held_bytes;
    body->credit = NULL;
    weft_clear_magic(body, body);
    if (credit->waiting_count > 0) {
        weft_loop_defer(credit->loop, &credit->release);
    }
}

bool weft_body_credit_take_relief(struct weft_body_credit *credit)
{
    bool is_over = credit->is_pressed && credit->held_bytes <= credit_of(credit) / 8;
    credit->is_pressed = credit->is_pressed && !is_over;
    return is_over;
}

size_t weft_body_credit_count(const struct weft_body_credit *credit)
{
    return credit->begun_count;
}

struct weft_body_credit_state weft_body_credit_read(const struct weft_body_credit *credit)
{
    return (struct weft_body_credit_state){
        .begun_count = credit->begun_count,
        .waiting_count = credit->waiting_count,
        .held_bytes = credit->held_bytes,
        .credit_bytes = credit_of(credit),
        .given_up_count = credit->given_up_count,
        .step_count = credit->step_count,
    };
}
