/* The addresses of an endpoint: by itself with a scripted look-up, then under both clients, whose servers come and go.
 */
#include "net/balancer.h"
#include "base/thread.h"
#include "grpc_client_test.h"

enum { SERVERS = 3 };

/* What the name means at present, as ports of this machine. The look-up runs on another thread. */
static struct weft_mutex gate;
static uint16_t named_ports[8];
static size_t named_count;
static bool is_name_service_down;
static struct weft_atomic_u64 look_ups;

static struct weft_resolver *resolver;
static struct weft_balancer *balancer;
static struct fake_server servers[SERVERS];
static unsigned changes, answers;
static char last_failure[160];

static void name(const uint16_t *ports, size_t count)
{
    weft_mutex_lock(&gate);
    memcpy(named_ports, ports, count * sizeof *ports);
    named_count = count;
    weft_mutex_unlock(&gate);
}

static void set_name_service(bool is_up)
{
    weft_mutex_lock(&gate);
    is_name_service_down = !is_up;
    weft_mutex_unlock(&gate);
}

static void look_up(const struct weft_endpoint *endpoint, struct weft_resolver_answer *out_answer)
{
    (void)endpoint;
    weft_mutex_lock(&gate);
    weft_atomic_add(&look_ups, 1);
    out_answer->status = is_name_service_down ? WEFT_IO : WEFT_OK;
    snprintf(out_answer->failure, sizeof out_answer->failure, "%s", is_name_service_down ? "no name service" : "");
    for (size_t i = 0; i < named_count && !is_name_service_down; i++) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(named_ports[i]) };
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        memcpy(&out_answer->addresses[i].socket_address, &address, sizeof address);
        out_answer->addresses[i].length = sizeof address;
        out_answer->count++;
    }
    weft_mutex_unlock(&gate);
}

static void set_up_names(void)
{
    set_up();
    weft_mutex_init(&gate);
    weft_atomic_store(&look_ups, 0);
    set_name_service(true);
    changes = answers = 0;
    balancer = NULL;
    resolver = weft_resolver_new(bench.loop, look_up);
    bench.net.resolver = resolver;
    memset(servers, 0, sizeof servers);
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i].loop = bench.loop;
        weft_list_init(&servers[i].connections);
    }
}

static void tear_down_names(void)
{
    if (balancer != NULL) {
        weft_balancer_free(balancer);
    }
    if (bench.client != NULL) {
        weft_grpc_client_free(bench.client);
        bench.client = NULL;
    }
    for (size_t i = 0; i < SERVERS; i++) {
        fake_stop_listening(&servers[i]);
        fake_close_all(&servers[i]);
    }
    weft_resolver_free(resolver);
    tear_down();
    weft_mutex_fini(&gate);
}

/* ---- by itself ---- */

static void on_change(void *context)
{
    (void)context;
    changes++;
}

static void on_answer(void *context, const char *failure)
{
    (void)context;
    answers++;
    snprintf(last_failure, sizeof last_failure, "%s", failure != NULL ? failure : "");
}

static bool has_answered(void)
{
    return answers > 0;
}

static void ask(void)
{
    struct weft_balancer_wait wait = { .on_answer = on_answer };
    answers = 0;
    weft_balancer_wait(balancer, &wait);
    ck_assert_uint_eq(answers, 0); /* never inside */
    run_until(has_answered);
}

static void make_balancer(enum weft_balancing balancing, int64_t look_up_interval_ns)
{
    struct weft_balancer_settings settings = {
        .loop = bench.loop,
        .resolver = resolver,
        .endpoint = { .host = "gateway.test", .port = 1 },
        .balancing = balancing,
        .look_up_interval_ns = look_up_interval_ns,
        .retry_min_ns = 50 * WEFT_NS_PER_MS,
        .retry_max_ns = 60 * WEFT_NS_PER_MS,
        .on_change = on_change,
    };
    balancer = weft_balancer_new(&settings);
}

static unsigned port_of(const struct weft_balancer_address *address)
{
    return ntohs(((const struct sockaddr_in *)&address->resolved.socket_address)->sin_port);
}

START_TEST(test_each_address_gets_its_connections)
{
    struct weft_balancer_address *taken[6];
    unsigned sum = 0;
    name((uint16_t[]){ 1, 2, 4 }, 3);
    make_balancer(WEFT_ROUND_ROBIN, 0);
    ask();
    ck_assert_uint_eq(weft_balancer_count(balancer).unserved, 3);
    for (size_t i = 0; i < 6; i++) {
        taken[i] = weft_balancer_take(balancer);
        sum += port_of(taken[i]);
        ck_assert_uint_eq(taken[i]->connection_count, i / 3 + 1);
    }
    ck_assert_uint_eq(sum, 14);
    ck_assert_str_eq(taken[0]->text, "127.0.0.1:1");
    for (size_t i = 0; i < 6; i++) {
        weft_balancer_give_back(balancer, taken[i]);
    }
}
END_TEST

START_TEST(test_pick_first_stays_with_the_first)
{
    name((uint16_t[]){ 1, 2, 4 }, 3);
    make_balancer(WEFT_PICK_FIRST, 0);
    ask();
    ck_assert_uint_eq(weft_balancer_count(balancer).unserved, 1);
    struct weft_balancer_address *first = weft_balancer_take(balancer), *second = weft_balancer_take(balancer);
    ck_assert_uint_eq(port_of(first), 1);
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq(weft_balancer_count(balancer).unserved, 0);
    weft_balancer_note_failed(balancer, first, "test");
    weft_balancer_give_back(balancer, first);
    weft_balancer_give_back(balancer, second);
    second = weft_balancer_take(balancer);
    ck_assert_uint_eq(port_of(second), 2);
    weft_balancer_give_back(balancer, second);
}
END_TEST

static bool may_connect_again(void)
{
    return weft_balancer_count(balancer).left_out == 0 && changes > 0;
}

START_TEST(test_failed_addresses_are_left_out_and_tried_again)
{
    name((uint16_t[]){ 1, 2 }, 2);
    make_balancer(WEFT_ROUND_ROBIN, 0);
    ask();
    struct weft_balancer_address *one = weft_balancer_take(balancer);
    weft_balancer_note_failed(balancer, one, "test");
    weft_balancer_give_back(balancer, one);
    ck_assert_uint_eq(weft_balancer_count(balancer).left_out, 1);
    ck_assert_uint_eq(weft_balancer_count(balancer).unserved, 1);
    ck_assert(weft_balancer_may_connect(balancer));
    struct weft_balancer_address *two = weft_balancer_take(balancer), *again = weft_balancer_take(balancer);
    ck_assert_uint_eq(port_of(two), 2);
    ck_assert_ptr_eq(two, again);
    weft_balancer_give_back(balancer, again);
    weft_balancer_note_failed(balancer, two, "test");
    weft_balancer_give_back(balancer, two);
    ck_assert(!weft_balancer_may_connect(balancer));
    again = weft_balancer_take(balancer); /* if it must be one of them, then the one that failed first */
    ck_assert_uint_eq(port_of(again), 1);
    weft_balancer_give_back(balancer, again);
    changes = 0;
    run_until(may_connect_again);
    ck_assert(weft_balancer_may_connect(balancer));
}
END_TEST

START_TEST(test_working_again_is_as_if_it_had_never_failed)
{
    name((uint16_t[]){ 1 }, 1);
    make_balancer(WEFT_ROUND_ROBIN, 0);
    ask();
    struct weft_balancer_address *one = weft_balancer_take(balancer);
    weft_balancer_note_failed(balancer, one, "test");
    weft_balancer_note_failed(balancer, one, "test");
    ck_assert_uint_eq(one->failure_count, 2);
    weft_balancer_note_working(balancer, one);
    ck_assert_uint_eq(one->failure_count, 0);
    ck_assert(weft_balancer_may_connect(balancer));
    weft_balancer_give_back(balancer, one);
}
END_TEST

static uint64_t look_ups_wanted;

static bool has_looked_up(void)
{
    return weft_atomic_load(&look_ups) >= look_ups_wanted && changes > 0;
}

static void run_look_up(void)
{
    changes = 0;
    look_ups_wanted = weft_atomic_load(&look_ups) + 2; /* one may be under way */
    run_until(has_looked_up);
}

START_TEST(test_names_are_looked_up_again_while_there_are_connections)
{
    name((uint16_t[]){ 1, 2 }, 2);
    make_balancer(WEFT_ROUND_ROBIN, 10 * WEFT_NS_PER_MS);
    ask();
    run_ticks(40);
    ck_assert_uint_eq(weft_atomic_load(&look_ups), 1); /* nobody has a connection */
    struct weft_balancer_address *one = weft_balancer_take(balancer), *two = weft_balancer_take(balancer);
    name((uint16_t[]){ 2, 3 }, 2);
    run_look_up();
    ck_assert(!one->is_listed);
    ck_assert(two->is_listed);
    ck_assert_uint_eq(weft_balancer_count(balancer).listed, 2);
    struct weft_balancer_address *three = weft_balancer_take(balancer);
    ck_assert_uint_eq(port_of(three), 3);
    set_name_service(false);
    run_look_up();
    ck_assert_uint_eq(weft_balancer_count(balancer).listed, 2); /* better these than none */
    weft_balancer_give_back(balancer, one);
    weft_balancer_give_back(balancer, two);
    weft_balancer_give_back(balancer, three);
}
END_TEST

START_TEST(test_failed_look_up_is_told_and_waited_for)
{
    name((uint16_t[]){ 1 }, 1);
    set_name_service(false);
    make_balancer(WEFT_ROUND_ROBIN, 0);
    ask();
    ck_assert_str_eq(last_failure, "no name service");
    ck_assert(!weft_balancer_may_connect(balancer));
    set_name_service(true);
    changes = 0;
    run_until(may_connect_again);
    ck_assert(weft_balancer_may_connect(balancer));
    ask();
    ck_assert_str_eq(last_failure, "");
}
END_TEST

/* ---- under the gRPC client ---- */

static void start_servers(size_t count)
{
    uint16_t ports[SERVERS];
    for (size_t i = 0; i < count; i++) {
        servers[i].on_request = fake_ok;
        fake_listen(&servers[i]);
        ports[i] = servers[i].port;
    }
    name(ports, count);
    snprintf(bench.settings.endpoint.host, sizeof bench.settings.endpoint.host, "gateway.test");
    bench.settings.endpoint.port = 1;
    bench.settings.look_up_interval_ns = 10 * WEFT_NS_PER_MS;
    bench.client = weft_grpc_client_new(&bench.net, &bench.settings, NULL);
}

static void call_once(void)
{
    struct call *call = start_call(0, 10, 10, 0);
    run_calls();
    ck_assert_msg(call->grpc_status == 0, "%s", call->message);
}

static unsigned connections_wanted;

static bool are_connected(void)
{
    return client_state().connections_ready == connections_wanted;
}

static void run_to_connections(unsigned count)
{
    connections_wanted = count;
    run_until(are_connected);
}

static void note_requests(unsigned *out_counts)
{
    for (size_t i = 0; i < SERVERS; i++) {
        out_counts[i] = servers[i].requests;
    }
}

START_TEST(test_calls_go_to_all_addresses)
{
    unsigned before[SERVERS];
    start_servers(3);
    call_once();
    run_to_connections(3);
    note_requests(before);
    for (size_t i = 0; i < 6; i++) {
        call_once();
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(servers[i].requests - before[i], 2);
    }
}
END_TEST

START_TEST(test_first_address_gets_all_on_request)
{
    bench.settings.balancing = WEFT_PICK_FIRST;
    start_servers(3);
    for (size_t i = 0; i < 6; i++) {
        call_once();
    }
    ck_assert_uint_eq(servers[0].requests, 6);
    ck_assert_uint_eq(client_state().connections_ready, 1);
}
END_TEST

START_TEST(test_dead_address_is_left_out_and_taken_back)
{
    start_servers(3);
    call_once();
    run_to_connections(3);
    fake_stop_listening(&servers[1]);
    fake_close_all(&servers[1]);
    run_to_connections(2);
    for (size_t i = 0; i < 6; i++) {
        call_once();
    }
    ck_assert_uint_ge(client_state().connect_failures, 1);
    fake_listen(&servers[1]); /* at its former port */
    run_to_connections(3);
    unsigned before = servers[1].requests;
    for (size_t i = 0; i < 3; i++) {
        call_once();
    }
    ck_assert_uint_eq(servers[1].requests, before + 1);
}
END_TEST

static bool has_no_connection(void)
{
    return weft_list_is_empty(&servers[0].connections);
}

START_TEST(test_connections_follow_the_name)
{
    start_servers(3);
    name((uint16_t[]){ servers[0].port }, 1);
    call_once();
    run_to_connections(1);
    name((uint16_t[]){ servers[1].port, servers[2].port }, 2);
    run_until(has_no_connection);
    run_to_connections(2);
    unsigned before = servers[0].requests;
    for (size_t i = 0; i < 4; i++) {
        call_once();
    }
    ck_assert_uint_eq(servers[0].requests, before);
    ck_assert_uint_eq(client_state().addresses, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_each_address_gets_its_connections,
        test_pick_first_stays_with_the_first,
        test_failed_addresses_are_left_out_and_tried_again,
        test_working_again_is_as_if_it_had_never_failed,
        test_names_are_looked_up_again_while_there_are_connections,
        test_failed_look_up_is_told_and_waited_for,
        test_calls_go_to_all_addresses,
        test_first_address_gets_all_on_request,
        test_dead_address_is_left_out_and_taken_back,
        test_connections_follow_the_name,
    };
    return run_suite_with("net/balancer", tests, WEFT_COUNT_OF(tests), set_up_names, tear_down_names);
}
