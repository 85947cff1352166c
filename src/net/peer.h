#pragma once

#include "base/slice.h"

/* Who is at the other end of an accepted socket. An IPv4 address that was mapped into IPv6 is the IPv4 address. */
struct weft_peer {
    uint8_t address[16];
    uint8_t address_length; /* 4, 16; 0: there is none, as of a unix socket or of who has left already */
    bool is_unix;
    uint16_t port;
};

struct weft_peer weft_peer_of(int descriptor);

/* "10.0.0.1:41234", "[::1]:41234", "unix"; "" of who has left. */
void weft_peer_name(const struct weft_peer *peer, char *out_text, size_t capacity);

/* "10.0.0.1", "::1"; "" where there is none. */
void weft_peer_address(const struct weft_peer *peer, char *out_text, size_t capacity);

/* What counts as one address: the IPv4 address, or the network of 64 bits of an IPv6 one, within which a host takes
 * as many as it likes. Empty: there is none. */
struct weft_slice weft_peer_household(const struct weft_peer *peer);
