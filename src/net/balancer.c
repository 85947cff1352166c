/* The addresses of one endpoint (balancer.h). A list in the order of the last look-up; failures are
 * numbered, so that "longest ago" is a comparison. */
#include "net/balancer.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/random.h"

/* Between look-ups that failures ask for, as in gRPC, which waits 30 s. */
#define LOOK_UP_PAUSE_NS (5 * WEFT_NS_PER_S)

WEFT_MAGIC(balancer, 0x0ba1a4ce);

struct weft_balancer {
    uint32_t magic;
    struct weft_balancer_settings settings; /* zeros replaced by defaults */
    bool is_literal;                        /* there is nothing to look up again */
    struct weft_list addresses;             /* listed ones first, in the look-up's order */
    struct weft_list waits;
    struct weft_resolver_query *query;
    bool has_answer;
    uint32_t look_up_failures;   /* in a row, while there is no address */
    struct weft_monotonic until; /* and none is tried until then */
    char failure[160];           /* of the last look-up; "" = none */
    struct weft_monotonic looked_up;
    struct weft_timer timer; /* the next look-up, or the next address that is tried again */
    bool must_look_up;       /* as soon as the pause is over */
    struct weft_deferred change, answer;
    uint64_t failures; /* of addresses, until now */
    uint64_t random;
};

static struct weft_timers *timers_of(const struct weft_balancer *balancer)
{
    return weft_loop_timers(balancer->settings.loop);
}

static struct weft_monotonic now_of(const struct weft_balancer *balancer)
{
    return weft_timers_now(timers_of(balancer));
}

static struct weft_balancer_address *address_of(struct weft_list *node)
{
    struct weft_balancer_address *address = WEFT_CONTAINER_OF(node, struct weft_balancer_address, node);
    weft_check_magic(address, balancer_address);
    return address;
}

static bool is_left_out(const struct weft_balancer *balancer, const struct weft_balancer_address *address)
{
    return address->until.ns > now_of(balancer).ns;
}

static bool has_connections(const struct weft_balancer *balancer)
{
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        if (address_of(node)->connection_count > 0) {
            return true;
        }
    }
    return false;
}

/* ---- when something is due ---- */

static void consider(struct weft_monotonic *earliest, int64_t ns)
{
    earliest->ns = ns < earliest->ns ? ns : earliest->ns;
}

static void set_timer(struct weft_balancer *balancer)
{
    struct weft_monotonic due = WEFT_NEVER;
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        if (is_left_out(balancer, address_of(node))) {
            consider(&due, address_of(node)->until.ns);
        }
    }
    if (weft_list_is_empty(&balancer->addresses) && balancer->until.ns > now_of(balancer).ns) {
        consider(&due, balancer->until.ns);
    }
    if (!balancer->is_literal && balancer->has_answer && balancer->query == NULL) {
        if (balancer->must_look_up) {
            consider(&due, balancer->looked_up.ns + LOOK_UP_PAUSE_NS);
        } else if (has_connections(balancer)) {
            consider(&due, balancer->looked_up.ns + balancer->settings.look_up_interval_ns);
        }
    }
    if (due.ns == WEFT_NEVER.ns) {
        weft_timer_cancel(timers_of(balancer), &balancer->timer);
    } else {
        weft_timer_set_at(timers_of(balancer), &balancer->timer, due);
    }
}

static void tell_change(void *context)
{
    struct weft_balancer *balancer = context;
    weft_check_magic(balancer, balancer);
    balancer->settings.on_change(balancer->settings.context);
}

static void tell_answer(void *context)
{
    struct weft_balancer *balancer = context;
    weft_check_magic(balancer, balancer);
    char failure[sizeof balancer->failure];
    snprintf(failure, sizeof failure, "%s",
             balancer->failure[0] != '\0' ? balancer->failure : "no memory for addresses");
    struct weft_list *node;
    while ((node = weft_list_pop_front(&balancer->waits)) != NULL) {
        struct weft_balancer_wait *wait = WEFT_CONTAINER_OF(node, struct weft_balancer_wait, node);
        wait->on_answer(wait->context, weft_list_is_empty(&balancer->addresses) ? failure : NULL);
    }
}

/* ---- look-ups ---- */

/* After so many failures in a row before this one. */
static int64_t delay_ns(struct weft_balancer *balancer, uint32_t failures)
{
    double longest_ns = (double)balancer->settings.retry_max_ns, ns = (double)balancer->settings.retry_min_ns;
    for (uint32_t i = 0; i < failures && ns < longest_ns; i++) {
        ns *= 1.6;
    }
    return (int64_t)((ns < longest_ns ? ns : longest_ns) * (0.8 + 0.4 * weft_random_draw(&balancer->random)));
}

static void drop(struct weft_balancer_address *address)
{
    weft_list_remove(&address->node);
    weft_clear_magic(address, balancer_address);
    weft_free(address);
}

static struct weft_balancer_address *find(const struct weft_balancer *balancer,
                                          const struct weft_resolved_address *resolved)
{
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        const struct weft_resolved_address *known = &address_of(node)->resolved;
        if (known->length == resolved->length &&
            memcmp(&known->socket_address, &resolved->socket_address, resolved->length) == 0) {
            return address_of(node);
        }
    }
    return NULL;
}

static void list(struct weft_balancer *balancer, const struct weft_resolved_address *resolved)
{
    struct weft_balancer_address *address = find(balancer, resolved);
    if (address == NULL) {
        address = weft_try_alloc(sizeof *address);
        if (address == NULL) {
            return; /* the next look-up brings it again */
        }
        weft_set_magic(address, balancer_address);
        address->resolved = *resolved;
        weft_socket_address_format(&resolved->socket_address, address->text, sizeof address->text);
    } else {
        weft_list_remove(&address->node);
    }
    address->is_listed = true;
    weft_list_push_back(&balancer->addresses, &address->node);
}

static void take_list(struct weft_balancer *balancer, const struct weft_resolver_answer *answer)
{
    struct weft_list former;
    weft_list_init(&former);
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        address_of(node)->is_listed = false;
    }
    for (size_t i = 0; i < answer->count; i++) {
        list(balancer, &answer->addresses[i]);
    }
    struct weft_list *node = balancer->addresses.next;
    while (node != &balancer->addresses) {
        struct weft_balancer_address *address = address_of(node);
        node = node->next;
        if (!address->is_listed) {
            weft_list_remove(&address->node);
            weft_list_push_back(&former, &address->node);
        }
    }
    while ((node = weft_list_pop_front(&former)) != NULL) {
        weft_list_push_back(&balancer->addresses, node);
        if (address_of(node)->connection_count == 0) {
            drop(address_of(node));
        }
    }
}

static void settle(struct weft_balancer *balancer)
{
    balancer->looked_up = now_of(balancer);
    balancer->must_look_up = false;
    if (weft_list_is_empty(&balancer->addresses)) {
        balancer->until = weft_monotonic_after(balancer->looked_up, delay_ns(balancer, balancer->look_up_failures++));
    }
    weft_loop_defer(balancer->settings.loop, &balancer->answer);
    weft_loop_defer(balancer->settings.loop, &balancer->change);
    set_timer(balancer);
}

static void on_resolver_answered(void *context, const struct weft_resolver_answer *answer)
{
    struct weft_balancer *balancer = context;
    weft_check_magic(balancer, balancer);
    balancer->query = NULL;
    memcpy(balancer->failure, answer->failure, sizeof balancer->failure);
    if (answer->status == WEFT_OK) {
        balancer->failure[0] = '\0';
        balancer->has_answer = true;
        balancer->look_up_failures = 0;
        take_list(balancer, answer);
    } else if (!weft_list_is_empty(&balancer->addresses)) {
        weft_log(WARN, "net.look_up_failed", "cannot look up the addresses again; those that are known are used",
                 WEFT_LOG_STRING("reason", answer->failure));
    }
    settle(balancer);
}

static void look_up(struct weft_balancer *balancer)
{
    struct weft_error error = WEFT_ERROR_NONE;
    if (balancer->query == NULL &&
        weft_resolver_ask(balancer->settings.resolver, &balancer->settings.endpoint, on_resolver_answered, balancer,
                          &balancer->query, &error) != WEFT_OK) {
        snprintf(balancer->failure, sizeof balancer->failure, "%s", error.text);
        settle(balancer);
    }
}

static void on_timer(void *context)
{
    struct weft_balancer *balancer = context;
    weft_check_magic(balancer, balancer);
    int64_t age_ns = now_of(balancer).ns - balancer->looked_up.ns;
    int64_t limit_ns = balancer->must_look_up ? LOOK_UP_PAUSE_NS : balancer->settings.look_up_interval_ns;
    if (!balancer->is_literal && balancer->has_answer && age_ns >= limit_ns) {
        look_up(balancer);
    }
    weft_loop_defer(balancer->settings.loop, &balancer->change);
    set_timer(balancer);
}

static void wish_look_up(struct weft_balancer *balancer)
{
    if (!balancer->is_literal && balancer->has_answer) {
        balancer->must_look_up = true;
        set_timer(balancer);
    }
}

void weft_balancer_wait(struct weft_balancer *balancer, struct weft_balancer_wait *wait)
{
    weft_check_magic(balancer, balancer);
    weft_list_push_back(&balancer->waits, &wait->node);
    if (weft_list_is_empty(&balancer->addresses)) {
        look_up(balancer);
    } else {
        weft_loop_defer(balancer->settings.loop, &balancer->answer);
    }
}

void weft_balancer_wait_cancel(struct weft_balancer_wait *wait)
{
    if (wait->node.next != NULL) {
        weft_list_remove(&wait->node);
    }
}

/* ---- addresses ---- */

/* Whether the left one is to be taken before the right one, which stands before it in the list. */
static bool is_better(const struct weft_balancer *balancer, const struct weft_balancer_address *left,
                      const struct weft_balancer_address *right)
{
    bool left_is_out = is_left_out(balancer, left), right_is_out = is_left_out(balancer, right);
    if (left_is_out != right_is_out) {
        return right_is_out;
    }
    if (left_is_out) {
        return left->failed_as < right->failed_as;
    }
    return balancer->settings.balancing == WEFT_ROUND_ROBIN && left->connection_count < right->connection_count;
}

struct weft_balancer_address *weft_balancer_take(struct weft_balancer *balancer)
{
    weft_check_magic(balancer, balancer);
    struct weft_balancer_address *best = NULL;
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        struct weft_balancer_address *address = address_of(node);
        if (best == NULL || (address->is_listed && is_better(balancer, address, best))) {
            best = address;
        }
    }
    weft_assert(best != NULL);
    best->connection_count++;
    set_timer(balancer);
    return best;
}

void weft_balancer_give_back(struct weft_balancer *balancer, struct weft_balancer_address *address)
{
    weft_check_magic(address, balancer_address);
    weft_assert(address->connection_count > 0);
    address->connection_count--;
    if (address->connection_count == 0 && !address->is_listed) {
        drop(address);
    }
    set_timer(balancer);
}

void weft_balancer_note_working(struct weft_balancer *balancer, struct weft_balancer_address *address)
{
    weft_check_magic(address, balancer_address);
    if (address->failure_count > 0) {
        weft_log(INFO, "net.address_back", "an address can be reached again",
                 WEFT_LOG_STRING("address", address->text));
    }
    address->failure_count = 0;
    address->until = (struct weft_monotonic){ 0 };
    set_timer(balancer);
}

void weft_balancer_note_failed(struct weft_balancer *balancer, struct weft_balancer_address *address,
                               const char *reason)
{
    weft_check_magic(address, balancer_address);
    address->until = weft_monotonic_after(now_of(balancer), delay_ns(balancer, address->failure_count));
    address->failure_count++;
    address->failed_as = ++balancer->failures;
    if (address->failure_count == 1 && address->node.next != address->node.previous) { /* it is not the only one */
        weft_log(WARN, "net.address_left_out", "an address cannot be reached; the others are used meanwhile",
                 WEFT_LOG_STRING("address", address->text), WEFT_LOG_STRING("reason", reason));
    }
    wish_look_up(balancer);
    set_timer(balancer);
}

void weft_balancer_note_lost(struct weft_balancer *balancer)
{
    weft_check_magic(balancer, balancer);
    wish_look_up(balancer);
}

struct weft_balancer_census weft_balancer_count(const struct weft_balancer *balancer)
{
    struct weft_balancer_census census = { 0 };
    bool is_served = false;
    WEFT_LIST_EACH(node, &balancer->addresses)
    {
        const struct weft_balancer_address *address = address_of(node);
        bool is_out = is_left_out(balancer, address);
        census.listed += address->is_listed;
        census.left_out += address->is_listed && is_out;
        census.unserved += address->is_listed && !is_out && address->connection_count == 0;
        is_served = is_served || (address->is_listed && address->connection_count > 0);
    }
    if (balancer->settings.balancing == WEFT_PICK_FIRST) {
        census.unserved = !is_served && census.unserved > 0 ? 1 : 0;
    }
    return census;
}

bool weft_balancer_may_connect(const struct weft_balancer *balancer)
{
    struct weft_balancer_census census = weft_balancer_count(balancer);
    return census.listed > 0 ? census.left_out < census.listed : balancer->until.ns <= now_of(balancer).ns;
}

/* ---- making and freeing ---- */

static int64_t or_default(int64_t value, int64_t default_value)
{
    return value > 0 ? value : default_value;
}

struct weft_balancer *weft_balancer_new(const struct weft_balancer_settings *settings)
{
    struct weft_balancer *balancer = weft_balancer_try_new(settings);
    weft_assert(balancer != NULL); /* start-up */
    return balancer;
}

struct weft_balancer *weft_balancer_try_new(const struct weft_balancer_settings *settings)
{
    struct weft_balancer *balancer = weft_try_alloc(sizeof *balancer);
    struct sockaddr_storage address;
    socklen_t length;
    if (balancer == NULL) {
        return NULL;
    }
    weft_set_magic(balancer, balancer);
    balancer->settings = *settings;
    balancer->settings.look_up_interval_ns = or_default(settings->look_up_interval_ns, 60 * WEFT_NS_PER_S);
    balancer->settings.retry_min_ns = or_default(settings->retry_min_ns, WEFT_NS_PER_S);
    balancer->settings.retry_max_ns = or_default(settings->retry_max_ns, 120 * WEFT_NS_PER_S);
    balancer->is_literal = weft_endpoint_literal(&settings->endpoint, &address, &length) == WEFT_OK;
    balancer->random = weft_random_u64();
    weft_list_init(&balancer->addresses);
    weft_list_init(&balancer->waits);
    weft_deferred_init(&balancer->change, tell_change, balancer);
    weft_deferred_init(&balancer->answer, tell_answer, balancer);
    weft_timer_init(&balancer->timer, on_timer, balancer);
    return balancer;
}

void weft_balancer_free(struct weft_balancer *balancer)
{
    weft_check_magic(balancer, balancer);
    weft_assert(weft_list_is_empty(&balancer->waits));
    if (balancer->query != NULL) {
        weft_resolver_cancel(balancer->settings.resolver, balancer->query);
    }
    while (!weft_list_is_empty(&balancer->addresses)) {
        weft_assert(address_of(balancer->addresses.next)->connection_count == 0);
        drop(address_of(balancer->addresses.next));
    }
    weft_timer_cancel(timers_of(balancer), &balancer->timer);
    weft_deferred_cancel(&balancer->change);
    weft_deferred_cancel(&balancer->answer);
    weft_clear_magic(balancer, balancer);
    weft_free(balancer);
}
