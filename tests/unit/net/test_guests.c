/* Who goes when there are too many connections: by what they have done, of all and of one address, and for want of
 * descriptors. Time moves on by hand. */
#include "net/guests.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "net/descriptors.h"
#include "suite.h"

enum { CLIENTS_MAX = 64 };

struct client {
    struct weft_guest guest;
    int descriptor; /* -1 = ended */
};

static struct weft_timers *timers;
static struct weft_guests guests;
static struct client clients[CLIENTS_MAX];
static size_t client_count;
static struct weft_guest_hall hall;

static void end_client(struct weft_guest *guest)
{
    struct client *client = WEFT_CONTAINER_OF(guest, struct client, guest);
    ck_assert_int_ge(client->descriptor, 0);
    close(client->descriptor);
    client->descriptor = -1;
    weft_guests_leave(guest);
}

static void begin_with(struct weft_guests_settings settings)
{
    weft_log_configure(&(struct weft_log_config){ .level = WEFT_LOG_ERROR, .service = "test", .descriptor = 2 });
    timers = weft_timers_new((struct weft_monotonic){ 1000 * WEFT_NS_PER_S });
    settings.end = end_client;
    settings.timers = timers;
    weft_guest_hall_init(&hall);
    settings.hall = &hall;
    weft_guests_init(&guests, &settings);
    client_count = 0;
}

static void begin(uint32_t max_count)
{
    begin_with((struct weft_guests_settings){ .max_count = max_count });
}

static void finish(void)
{
    for (size_t i = 0; i < client_count; i++) {
        if (clients[i].descriptor >= 0) {
            end_client(&clients[i].guest);
        }
    }
    weft_guests_fini(&guests);
    ck_assert(weft_list_is_empty(&hall.sets));
    weft_timers_free(timers);
    weft_descriptors_set_limit(0);
}

static void advance(int64_t ms)
{
    weft_timers_touch(timers, weft_monotonic_after(weft_timers_now(timers), ms * WEFT_NS_PER_MS));
}

/* Admission does not know the address of a pipe, so that of the peer is put in between. */
static struct client *come_from(const char *address)
{
    ck_assert_uint_lt(client_count, CLIENTS_MAX);
    struct client *client = &clients[client_count++];
    struct weft_peer peer;
    client->guest = (struct weft_guest){ 0 };
    client->descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(client->descriptor, 0);
    if (!weft_guests_admit(&guests, &client->descriptor, &peer)) {
        ck_assert_int_eq(client->descriptor, -1);
        return client;
    }
    ck_assert_uint_eq(peer.address_length, 0);
    if (address != NULL) {
        bool is_v6 = strchr(address, ':') != NULL;
        peer.address_length = is_v6 ? 16 : 4;
        ck_assert_int_eq(inet_pton(is_v6 ? AF_INET6 : AF_INET, address, peer.address), 1);
    }
    weft_guests_enter(&guests, &client->guest, client->descriptor, &peer);
    return client;
}

static struct client *come(void)
{
    return come_from(NULL);
}

static struct client *come_as(enum weft_guest_standing standing)
{
    struct client *client = come();
    weft_guest_stand(&client->guest, standing);
    return client;
}

static bool is_here(const struct client *client)
{
    return client->descriptor >= 0;
}

START_TEST(test_who_has_no_request_goes_first_and_the_oldest_of_those)
{
    begin(5);
    struct client *idle = come_as(WEFT_GUEST_IDLE), *hangs = come_as(WEFT_GUEST_TRYING);
    advance(5000);
    struct client *speaks = come_as(WEFT_GUEST_NEW), *first = come(), *second = come();
    advance(1000); /* which is the time that a new one has */
    struct client *third = come();
    ck_assert(!is_here(first) && is_here(second) && is_here(idle) && is_here(hangs) && is_here(speaks));
    weft_guest_stand(&second->guest, WEFT_GUEST_NEW);
    weft_guest_stand(&third->guest, WEFT_GUEST_NEW);
    come_as(WEFT_GUEST_NEW);
    ck_assert(is_here(third) && is_here(second) && is_here(idle) && is_here(hangs) && !is_here(speaks));
    weft_guest_stand(&second->guest, WEFT_GUEST_OVER);
    come();
    ck_assert(!is_here(second) && is_here(third)); /* whose end has begun */
    finish();
}
END_TEST

START_TEST(test_the_quiet_go_in_the_order_of_what_they_lose)
{
    begin(4);
    struct client *served = come_as(WEFT_GUEST_SERVED), *idle = come_as(WEFT_GUEST_IDLE);
    struct client *busy = come_as(WEFT_GUEST_BUSY), *hangs = come_as(WEFT_GUEST_TRYING);
    advance(1500);
    come_as(WEFT_GUEST_SERVED);
    ck_assert(!is_here(hangs) && is_here(busy) && is_here(idle));
    weft_guest_touch(&idle->guest);
    advance(1500);
    come_as(WEFT_GUEST_SERVED); /* of these two, who has been silent for longer */
    ck_assert(!is_here(busy) && is_here(idle));
    come_as(WEFT_GUEST_SERVED);
    ck_assert(!is_here(idle) && is_here(served));
    ck_assert(!is_here(come())); /* who waits for an answer stays */
    finish();
}
END_TEST

START_TEST(test_a_dribble_keeps_no_place)
{
    begin(2);
    struct client *dribbles = come_as(WEFT_GUEST_BUSY), *moves = come_as(WEFT_GUEST_BUSY);
    for (int i = 0; i < 20; i++) {
        advance(100);
        weft_guest_progress(&dribbles->guest, 1);
        weft_guest_progress(&moves->guest, 4096);
    }
    come_as(WEFT_GUEST_SERVED);
    ck_assert(!is_here(dribbles) && is_here(moves));
    ck_assert(!is_here(come()));
    finish();
}
END_TEST

START_TEST(test_what_comes_before_a_request_gains_no_time)
{
    begin(2);
    struct client *chatters = come_as(WEFT_GUEST_NEW);
    advance(500);
    struct client *idle = come_as(WEFT_GUEST_IDLE);
    advance(400);
    weft_guest_progress(&chatters->guest, 1 << 20);
    advance(700);
    come();
    ck_assert(!is_here(chatters) && is_here(idle));
    finish();
}
END_TEST

/* While a server does not read, what a client has sent may lie unseen. */
START_TEST(test_silence_means_nothing_while_nobody_listens)
{
    begin(3);
    struct client *hangs = come_as(WEFT_GUEST_TRYING), *busy = come_as(WEFT_GUEST_BUSY),
                  *idle = come_as(WEFT_GUEST_IDLE);
    weft_guests_set_reading(&guests, false);
    advance(5000);
    come_as(WEFT_GUEST_BUSY);
    ck_assert(is_here(hangs) && is_here(busy) && !is_here(idle));
    ck_assert(!is_here(come()));
    finish();
}
END_TEST

/* Nor does it just after: there was no time to read what has come. */
START_TEST(test_silence_begins_anew_when_somebody_listens)
{
    begin(2);
    struct client *busy = come_as(WEFT_GUEST_BUSY);
    advance(100);
    struct client *idle = come_as(WEFT_GUEST_IDLE);
    weft_guests_set_reading(&guests, false);
    advance(5000);
    weft_guests_set_reading(&guests, true);
    weft_guests_set_reading(&guests, true);
    advance(900);
    struct client *served = come_as(WEFT_GUEST_SERVED);
    ck_assert(is_here(busy) && is_here(served) && !is_here(idle));
    weft_guests_set_reading(&guests, true); /* which it did before */
    advance(100);
    ck_assert(is_here(come()) && !is_here(busy));
    finish();
}
END_TEST

/* A flood of silent ones, or of half a head each, pushes out its own; idle ones that were served stay. */
START_TEST(test_a_flood_pushes_out_its_own)
{
    begin(20);
    struct client *idle[4];
    for (int i = 0; i < 4; i++) {
        idle[i] = come_as(WEFT_GUEST_IDLE);
    }
    advance(10000);
    for (int i = 0; i < 40; i++) {
        come_as(_i == 0 ? WEFT_GUEST_SILENT : WEFT_GUEST_NEW);
        advance(1);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert(is_here(idle[i]));
    }
    ck_assert_uint_eq(guests.all.count, 20);
    for (size_t i = client_count - 16; i < client_count; i++) {
        ck_assert(is_here(&clients[i]));
    }
    finish();
}
END_TEST

START_TEST(test_a_new_one_that_has_just_come_stays_before_the_long_idle)
{
    begin(17);
    struct client *idle = come_as(WEFT_GUEST_IDLE), *other = come_as(WEFT_GUEST_IDLE);
    for (int i = 0; i < 14; i++) {
        come_as(WEFT_GUEST_SERVED);
    }
    advance(2000);
    struct client *new = come();
    come();
    ck_assert(is_here(new) && !is_here(idle) && is_here(other));
    finish();
}
END_TEST

START_TEST(test_probes_always_get_in)
{
    begin_with((struct weft_guests_settings){ .max_count = 2, .always_admits = true });
    struct client *served = come_as(WEFT_GUEST_SERVED), *busy = come_as(WEFT_GUEST_BUSY);
    ck_assert(is_here(come_as(WEFT_GUEST_SERVED)));
    ck_assert(!is_here(busy) && is_here(served));
    ck_assert(is_here(come()));
    ck_assert(!is_here(served));
    finish();
}
END_TEST

/* The address of who comes is read from its socket, so that the share is tried on connections of loopback below; here
 * is what counts as one. */
START_TEST(test_households)
{
    struct weft_peer one = { .address = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1, 9, 9 }, .address_length = 16 };
    struct weft_peer two = one, three = one, local = { .address = { 0xfe, 0x80 }, .address_length = 16 };
    two.address[15] = 7;
    three.address[7] = 2;
    ck_assert(weft_slice_equal(weft_peer_household(&one), weft_peer_household(&two)));
    ck_assert(!weft_slice_equal(weft_peer_household(&one), weft_peer_household(&three)));
    ck_assert_uint_eq(weft_peer_household(&local).length, 16);
    ck_assert_uint_eq(weft_peer_household(&(struct weft_peer){ .is_unix = true }).length, 0);
    char name[64];
    weft_peer_name(&(struct weft_peer){ .address = { 10, 0, 0, 1 }, .address_length = 4, .port = 80 }, name,
                   sizeof name);
    ck_assert_str_eq(name, "10.0.0.1:80");
    weft_peer_name(&three, name, sizeof name);
    ck_assert_str_eq(name, "[2001:db8:0:2:909::]:0");
    weft_peer_name(&(struct weft_peer){ .is_unix = true }, name, sizeof name);
    ck_assert_str_eq(name, "unix");
}
END_TEST

/* Connects to the listener and gives the accepted side to the set. */
static struct client *call_in(int listener, const struct sockaddr *address, socklen_t length, int *out_far_end)
{
    *out_far_end = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(*out_far_end, address, length), 0);
    struct client *client = &clients[client_count++];
    struct weft_peer peer;
    client->guest = (struct weft_guest){ 0 };
    client->descriptor = accept(listener, NULL, NULL);
    ck_assert_int_ge(client->descriptor, 0);
    if (weft_guests_admit(&guests, &client->descriptor, &peer)) {
        weft_guests_enter(&guests, &client->guest, client->descriptor, &peer);
        ck_assert_uint_eq(peer.address_length, 4); /* mapped into IPv6 or not */
        ck_assert_mem_eq(peer.address, "\x7f\0\0\1", 4);
    }
    return client;
}

/* What came in the meantime and is not read yet counts. */
START_TEST(test_who_has_just_spoken_is_not_silent)
{
    begin(4);
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct client *speaks = &clients[client_count++];
    struct weft_peer peer;
    *speaks = (struct client){ .descriptor = pair[0] };
    ck_assert(weft_guests_admit(&guests, &speaks->descriptor, &peer) && peer.is_unix);
    weft_guests_enter(&guests, &speaks->guest, speaks->descriptor, &peer);
    struct client *silent = come();
    come();
    come();
    ck_assert_int_eq((int)write(pair[1], "x", 1), 1);
    come();
    ck_assert(is_here(speaks) && !is_here(silent));
    close(pair[1]);
    finish();
}
END_TEST

START_TEST(test_an_address_gives_way_to_itself)
{
    begin_with((struct weft_guests_settings){ .max_count = 60, .max_per_address = 3 });
    int listener = socket(_i == 0 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in6 dual = { .sin6_family = AF_INET6 };
    struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t length = _i == 0 ? sizeof v4 : sizeof dual;
    struct sockaddr *bound = _i == 0 ? (struct sockaddr *)&v4 : (struct sockaddr *)&dual;
    int off = 0;
    if (_i == 1 && (listener < 0 || setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)) {
        finish();
        return; /* no IPv6 here */
    }
    ck_assert_int_eq(bind(listener, bound, length), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
    ck_assert_int_eq(getsockname(listener, bound, &length), 0);
    v4.sin_port = _i == 0 ? v4.sin_port : dual.sin6_port;
    struct client *other = come_from("10.0.0.1");
    int far[8];
    struct client *in[8];
    for (int i = 0; i < 3; i++) {
        in[i] = call_in(listener, (struct sockaddr *)&v4, sizeof v4, &far[i]);
    }
    weft_guest_stand(&in[0]->guest, WEFT_GUEST_SERVED);
    in[3] = call_in(listener, (struct sockaddr *)&v4, sizeof v4, &far[3]);
    ck_assert(is_here(in[0]) && !is_here(in[1]) && is_here(in[2]) && is_here(in[3]));
    weft_guest_stand(&in[2]->guest, WEFT_GUEST_SERVED);
    weft_guest_stand(&in[3]->guest, WEFT_GUEST_SERVED);
    in[4] = call_in(listener, (struct sockaddr *)&v4, sizeof v4, &far[4]);
    ck_assert(!is_here(in[4]) && is_here(other)); /* no other pays for it */
    weft_guests_leave(&in[0]->guest);
    close(in[0]->descriptor);
    in[0]->descriptor = -1;
    in[5] = call_in(listener, (struct sockaddr *)&v4, sizeof v4, &far[5]);
    ck_assert(is_here(in[5]));
    for (int i = 0; i < 6; i++) {
        close(far[i]);
    }
    close(listener);
    finish();
}
END_TEST

/* Descriptors above the limit's last few: somebody else's is taken, of another server, too. */
START_TEST(test_descriptors_that_run_out_are_taken_from_the_silent)
{
    begin(50);
    struct client *silent = come_as(WEFT_GUEST_IDLE), *served = come_as(WEFT_GUEST_SERVED);
    struct weft_guests others;
    weft_guests_init(
        &others, &(struct weft_guests_settings){ .max_count = 5, .end = end_client, .timers = timers, .hall = &hall });
    advance(3000);
    weft_descriptors_set_limit(116); /* sixteen are kept back */
    uint64_t before = weft_descriptors_short_count();
    int late = fcntl(0, F_DUPFD_CLOEXEC, 100), freed = silent->descriptor;
    ck_assert_int_eq(late, 100);
    struct weft_peer peer;
    ck_assert(weft_guests_admit(&others, &late, &peer));
    ck_assert_int_eq(late, freed);
    ck_assert(!is_here(silent) && is_here(served));
    ck_assert_int_eq(fcntl(100, F_GETFD), -1);
    ck_assert_uint_eq(weft_descriptors_short_count(), before + 1);
    int last = fcntl(0, F_DUPFD_CLOEXEC, 100);
    ck_assert(!weft_guests_admit(&others, &last, &peer)); /* nobody has one to spare */
    ck_assert_int_eq(last, -1);
    close(late);
    weft_guests_fini(&others);
    finish();
}
END_TEST

/* A set of one that is silent is not full of the silent: a flood on another port goes before who has just come. */
START_TEST(test_a_new_one_does_not_give_its_descriptor_for_the_flood_of_another_port)
{
    begin(50);
    struct weft_guests others;
    weft_guests_init(
        &others, &(struct weft_guests_settings){ .max_count = 5, .end = end_client, .timers = timers, .hall = &hall });
    struct client late = { .descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) };
    weft_guests_enter(&others, &late.guest, late.descriptor, &(struct weft_peer){ .is_unix = true });
    advance(10);
    struct client *flood[30];
    for (size_t i = 0; i < WEFT_COUNT_OF(flood); i++) {
        flood[i] = come();
    }
    advance(10);
    ck_assert_int_eq(weft_guests_spare_one(&hall), WEFT_GUEST_SPARED);
    ck_assert(is_here(&late) && !is_here(flood[0]) && is_here(flood[1]));
    end_client(&late.guest);
    weft_guests_fini(&others);
    finish();
}
END_TEST

static bool is_asked, has_asked;

static bool ask(void *context)
{
    ck_assert_ptr_eq(context, &hall);
    has_asked = true;
    return is_asked;
}

/* Another worker has many more: it is asked, and who has come is let in meanwhile. */
START_TEST(test_another_worker_is_asked_for_a_descriptor_first)
{
    begin(50);
    hall.ask_elsewhere = ask;
    hall.context = &hall;
    struct client *silent = come();
    advance(3000);
    weft_descriptors_set_limit(116);
    struct weft_peer peer;
    for (int i = 0; i < 2; i++) {
        is_asked = i == 0;
        has_asked = false;
        int late = fcntl(0, F_DUPFD_CLOEXEC, 100);
        ck_assert(weft_guests_admit(&guests, &late, &peer));
        ck_assert(has_asked);
        ck_assert_int_eq(late >= 100, is_asked);
        ck_assert_int_eq(is_here(silent), is_asked);
        close(late);
    }
    finish();
}
END_TEST

START_TEST(test_the_hall_counts_who_was_never_answered)
{
    static const enum weft_guest_standing unserved[] = { WEFT_GUEST_OVER, WEFT_GUEST_SILENT, WEFT_GUEST_NEW,
                                                         WEFT_GUEST_TRYING };
    begin(50);
    struct client *served = come_as(WEFT_GUEST_SERVED), *other = come();
    for (size_t i = 0; i < WEFT_COUNT_OF(unserved); i++) {
        weft_guest_stand(&served->guest, unserved[i]);
        ck_assert_uint_eq(weft_atomic_load(&hall.unserved_count), 2);
        weft_guest_stand(&served->guest, WEFT_GUEST_IDLE);
        ck_assert_uint_eq(weft_atomic_load(&hall.unserved_count), 1);
    }
    end_client(&other->guest);
    ck_assert_uint_eq(weft_atomic_load(&hall.unserved_count), 0);
    finish();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guests");
    TCase *tcase = tcase_create("guests");
    tcase_add_test(tcase, test_who_has_no_request_goes_first_and_the_oldest_of_those);
    tcase_add_test(tcase, test_the_quiet_go_in_the_order_of_what_they_lose);
    tcase_add_test(tcase, test_a_dribble_keeps_no_place);
    tcase_add_test(tcase, test_what_comes_before_a_request_gains_no_time);
    tcase_add_test(tcase, test_silence_means_nothing_while_nobody_listens);
    tcase_add_test(tcase, test_silence_begins_anew_when_somebody_listens);
    tcase_add_loop_test(tcase, test_a_flood_pushes_out_its_own, 0, 2);
    tcase_add_test(tcase, test_a_new_one_that_has_just_come_stays_before_the_long_idle);
    tcase_add_test(tcase, test_probes_always_get_in);
    tcase_add_test(tcase, test_households);
    tcase_add_test(tcase, test_who_has_just_spoken_is_not_silent);
    tcase_add_loop_test(tcase, test_an_address_gives_way_to_itself, 0, 2);
    tcase_add_test(tcase, test_descriptors_that_run_out_are_taken_from_the_silent);
    tcase_add_test(tcase, test_a_new_one_does_not_give_its_descriptor_for_the_flood_of_another_port);
    tcase_add_test(tcase, test_another_worker_is_asked_for_a_descriptor_first);
    tcase_add_test(tcase, test_the_hall_counts_who_was_never_answered);
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
