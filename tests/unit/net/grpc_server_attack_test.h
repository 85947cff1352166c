#pragma once

/* A raw client that misbehaves, before a gRPC server. */
#include "grpc_server_test.h"
#include "net/http2/limits.h"

static const uint8_t cancel[4] = { 0, 0, 0, NGHTTP2_CANCEL };
static const uint8_t ping[8] = "12345678";

static inline void assert_calmed(const char *text)
{
    raw_settle(world.peer);
    ck_assert(world.peer->has_goaway);
    ck_assert_uint_eq(world.peer->goaway_code, NGHTTP2_ENHANCE_YOUR_CALM);
    ck_assert_str_eq(world.peer->goaway_text, text);
    ck_assert_uint_eq(counters()->connections_flooded, 1);
    advance(2 * WEFT_NS_PER_S);
    ck_assert_uint_eq(weft_grpc_server_connection_count(world.server), 0);
    ck_assert(world.peer->is_closed);
    tear_down();
}

static inline void flood(uint8_t type, uint8_t flags, int32_t stream, const void *payload, size_t length)
{
    for (int i = 0; i < 3000 && !world.peer->has_goaway && !world.peer->is_closed; i++) {
        raw_frame(world.peer, type, flags, stream, payload, length);
        if (i % 20 == 19) {
            tick(NULL);
            raw_read(world.peer);
        }
    }
}

static inline void open_calls(struct raw_peer *peer, int32_t first, int count)
{
    for (int32_t id = first; id < first + 2 * count && !peer->has_goaway; id += 2) {
        raw_headers(peer, id, &usual, false);
        if (id % 200 == 199) {
            raw_settle(peer);
        }
    }
    raw_settle(peer);
}
