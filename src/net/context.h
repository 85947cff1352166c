#pragma once

#include "base/budget.h"
#include "base/compression.h"
#include "base/payload.h"
#include "net/loop.h"

struct weft_body_credit;
struct weft_guest_hall;
struct weft_resolver;

/* What the servers and clients of a worker share; all of it outlives them. */
struct weft_net_context {
    struct weft_loop *loop;
    struct weft_payload_pool *pool;
    struct weft_codec *codec;
    struct weft_budget *budget;
    uint8_t *read_buffer;            /* one per worker, used within one read callback only */
    size_t read_buffer_bytes;        /* 256 KiB or more */
    struct weft_resolver *resolver;  /* for clients; NULL: each client has its own */
    struct weft_guest_hall *guests;  /* of the servers (guests.h); NULL: each knows its own only */
    struct weft_body_credit *bodies; /* for servers (body_credit.h); NULL: each server has its own */
};
