/* Plain transport and the output of one HTTP/2 connection over it: short writes are resumed, nothing is lost or
 * doubled. */
#include "net/transport.h"

#include <check.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/http2/output.h"
#include "suite.h"

static int pair[2];
static struct weft_transport *transport;

static void set_up(void)
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    transport = weft_transport_plain(pair[0]);
}

static void tear_down(void)
{
    weft_transport_free(transport);
    close(pair[1]);
}

START_TEST(test_plain_transport_moves_bytes_and_sees_the_end)
{
    set_up();
    ck_assert_int_eq(weft_transport_handshake(transport), WEFT_IO_DONE);
    char bytes[16];
    size_t length = 99;
    ck_assert_int_eq(weft_transport_read(transport, bytes, sizeof bytes, &length), WEFT_IO_AGAIN);
    ck_assert_uint_eq(length, 0);
    ck_assert_uint_eq(weft_transport_interest(transport), 0);
    struct iovec vectors[2] = { { (void *)"ab", 2 }, { (void *)"cde", 3 } };
    ck_assert_int_eq(weft_transport_write(transport, vectors, 2, &length), WEFT_IO_DONE);
    ck_assert_uint_eq(length, 5);
    ck_assert_int_eq(read(pair[1], bytes, sizeof bytes), 5);
    ck_assert_mem_eq(bytes, "abcde", 5);
    ck_assert_int_eq(write(pair[1], "xyz", 3), 3);
    ck_assert_int_eq(weft_transport_read(transport, bytes, 2, &length), WEFT_IO_DONE);
    ck_assert_uint_eq(length, 2);
    ck_assert(!weft_transport_has_buffered(transport));
    ck_assert_int_eq(weft_transport_read(transport, bytes, sizeof bytes, &length), WEFT_IO_DONE);
    shutdown(pair[1], SHUT_WR);
    ck_assert_int_eq(weft_transport_read(transport, bytes, sizeof bytes, &length), WEFT_IO_END);
    tear_down();
}
END_TEST

START_TEST(test_write_to_a_closed_peer_fails_with_a_reason_and_without_a_signal)
{
    set_up();
    close(pair[1]);
    struct iovec vector = { (void *)"ab", 2 };
    size_t length;
    ck_assert_int_eq(weft_transport_write(transport, &vector, 1, &length), WEFT_IO_FAILED);
    ck_assert_ptr_nonnull(strstr(weft_transport_failure(transport), "Broken pipe"));
    pair[1] = dup(2);
    tear_down();
}
END_TEST

/* Takes what is there and compares it with the pattern that the test writes. */
static void drain(uint64_t *received)
{
    uint8_t bytes[65536];
    ssize_t length;
    while ((length = recv(pair[1], bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
        size_t wrong = 0;
        for (ssize_t i = 0; i < length; i++, (*received)++) {
            wrong += bytes[i] != (uint8_t)(*received * 31 >> 3);
        }
        ck_assert_uint_eq(wrong, 0);
    }
}

static void fill_pattern(uint8_t *bytes, size_t length, uint64_t *made)
{
    for (size_t i = 0; i < length; i++, (*made)++) {
        bytes[i] = (uint8_t)(*made * 31 >> 3);
    }
}

/* Random runs of copied and borrowed bytes, with lenders that leave early, through a socket that is often full. */
START_TEST(test_output_keeps_order_through_short_writes_and_settlements)
{
    set_up();
    struct weft_http2_output output;
    weft_http2_output_init(&output);
    enum { LENDERS = 8, LENT_BYTES = 70000 };
    uint8_t *lent[LENDERS] = { NULL };
    uint64_t made = 0, received = 0, written = 0, random = 88172645463325252U;
    for (int round = 0; round < 1500; round++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t lender = random % LENDERS, length = (random >> 8) % (round % 3 == 0 ? LENT_BYTES : 40);
        if (lent[lender] != NULL) {
            bool owes = weft_http2_output_owes(&output, &lent[lender]);
            ck_assert_int_eq(weft_http2_output_settle(&output, &lent[lender]), WEFT_OK);
            ck_assert(!weft_http2_output_owes(&output, &lent[lender]));
            memset(lent[lender], 0xee, LENT_BYTES);
            free(lent[lender]);
            lent[lender] = NULL;
            (void)owes;
        } else if ((random >> 40) % 2 == 0) {
            lent[lender] = malloc(LENT_BYTES);
            fill_pattern(lent[lender], length, &made);
            ck_assert_int_eq(weft_http2_output_borrow(&output, &lent[lender], weft_slice_of(lent[lender], length)),
                             WEFT_OK);
        } else {
            uint8_t bytes[LENT_BYTES];
            fill_pattern(bytes, length, &made);
            ck_assert_int_eq(weft_http2_output_copy(&output, bytes, length), WEFT_OK);
        }
        if (round % 5 == 0) {
            ck_assert_int_ne(weft_http2_output_flush(&output, transport, &written), WEFT_IO_FAILED);
        }
        if (round % 7 == 0) {
            drain(&received);
        }
        ck_assert_uint_eq(made - written, output.queued_bytes);
    }
    while (weft_http2_output_flush(&output, transport, &written) == WEFT_IO_AGAIN) {
        drain(&received);
    }
    drain(&received);
    ck_assert(weft_http2_output_is_empty(&output));
    ck_assert_uint_eq(received, made);
    ck_assert_uint_gt(made, 3000000);
    weft_http2_output_fini(&output);
    for (size_t i = 0; i < LENDERS; i++) {
        free(lent[i]);
    }
    tear_down();
}
END_TEST

START_TEST(test_output_without_memory_says_so)
{
    struct weft_http2_output output;
    for (size_t nth = 1; nth < 4; nth++) {
        weft_http2_output_init(&output);
        static const uint8_t bytes[3000] = { 1 };
        static const char lender;
        weft_alloc_fail_at(nth);
        enum weft_status copied = weft_http2_output_copy(&output, bytes, sizeof bytes);
        enum weft_status borrowed =
            copied != WEFT_OK ? copied : weft_http2_output_borrow(&output, &lender, weft_slice_of(bytes, 100));
        enum weft_status settled = borrowed != WEFT_OK ? borrowed : weft_http2_output_settle(&output, &lender);
        weft_alloc_fail_at(0);
        ck_assert_int_eq(settled, nth <= 2 ? WEFT_NOMEM : WEFT_OK);
        weft_http2_output_fini(&output);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("transport");
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_plain_transport_moves_bytes_and_sees_the_end);
    tcase_add_test(tcase, test_write_to_a_closed_peer_fails_with_a_reason_and_without_a_signal);
    tcase_add_test(tcase, test_output_keeps_order_through_short_writes_and_settlements);
    tcase_add_test(tcase, test_output_without_memory_says_so);
    Suite *suite = suite_create("transport");
    suite_add_tcase(suite, tcase);
    return suite_run(suite);
}
