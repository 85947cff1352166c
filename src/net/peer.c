/* Addresses of peers (peer.h). */
#include "net/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "net/address.h"

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, NETWORK_BYTES = 8 };

static void take(struct weft_peer *peer, const void *address, uint8_t length, uint16_t port)
{
    memcpy(peer->address, address, length);
    peer->address_length = length;
    peer->port = ntohs(port);
}

struct weft_peer weft_peer_of(int descriptor)
{
    struct weft_peer peer = { 0 };
    struct sockaddr_storage address = { 0 };
    socklen_t length = sizeof address;
    if (getpeername(descriptor, (struct sockaddr *)&address, &length) != 0) {
        return peer;
    }
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        take(&peer, &v4->sin_addr, IPV4_BYTES, v4->sin_port);
    } else if (address.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            take(&peer, v6->sin6_addr.s6_addr + (IPV6_BYTES - IPV4_BYTES), IPV4_BYTES, v6->sin6_port);
        } else {
            take(&peer, &v6->sin6_addr, IPV6_BYTES, v6->sin6_port);
        }
    } else {
        peer.is_unix = true;
    }
    return peer;
}

void weft_peer_name(const struct weft_peer *peer, char *out_text, size_t capacity)
{
    if (peer->address_length == IPV4_BYTES || peer->address_length == IPV6_BYTES) {
        weft_address_format(peer->address_length == IPV4_BYTES ? AF_INET : AF_INET6, peer->address, peer->port,
                            out_text, capacity);
    } else {
        snprintf(out_text, capacity, "%s", peer->is_unix ? "unix" : "");
    }
}

void weft_peer_address(const struct weft_peer *peer, char *out_text, size_t capacity)
{
    int family = peer->address_length == IPV4_BYTES ? AF_INET : AF_INET6;
    if (peer->address_length == 0 || inet_ntop(family, peer->address, out_text, (socklen_t)capacity) == NULL) {
        snprintf(out_text, capacity, "%s", "");
    }
}

/* All hosts of a link are in one network of link-local addresses. */
static bool is_link_local(const struct weft_peer *peer)
{
    return peer->address[0] == 0xfe && (peer->address[1] & 0xc0) == 0x80;
}

struct weft_slice weft_peer_household(const struct weft_peer *peer)
{
    bool is_network = peer->address_length == IPV6_BYTES && !is_link_local(peer);
    return weft_slice_of(peer->address, is_network ? NETWORK_BYTES : peer->address_length);
}
