/* Other protocols and noise on a gRPC port end their own connection, nothing else. */
#include "grpc_server_attack_test.h"

static void assert_survives(const void *bytes, size_t length)
{
    struct raw_peer *attacker = connect_silent();
    attacker->holds_acks = true;
    raw_write(attacker, bytes, length);
    raw_settle(attacker);
    raw_peer_free(attacker);
    tick(NULL);
    tick(NULL);
}

START_TEST(test_noise_and_other_protocols_only_end_their_connection)
{
    set_up_server();
    assert_survives("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27);
    uint64_t random = 88172645463325252U;
    for (int round = 0; round < 300; round++) {
        uint8_t noise[300];
        for (size_t i = 0; i < sizeof noise; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            noise[i] = (uint8_t)(random % 5 == 0 ? random >> 32 : (random >> 20) % 10);
        }
        memcpy(noise, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
        assert_survives(noise, sizeof noise);
    }
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 1);
    uint8_t body[16];
    ck_assert_int_eq(call_once(1, &usual, body, raw_message(body, 0, 1, "x", 1))->grpc_status, 0);
    ck_assert_uint_gt(counters()->connections_failed, 100);
    tear_down();
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("grpc_server_noise");
    tcase_add_test(tcase, test_noise_and_other_protocols_only_end_their_connection);
    return run_suite("grpc_server_noise", tcase);
}
