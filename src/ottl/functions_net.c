/* Converters of addresses. */
#include <arpa/inet.h>

#include "ottl/functions.h"
#include "ottl/functions_give.h"

enum { ADDRESS_BYTES = 16, ADDRESS_TEXT_BYTES = 64, V4_START = 12 };

/* An address as IPv6 has it: IPv4 as ::ffff:a.b.c.d. False: it is none. */
static bool read_address(struct weft_slice text, uint8_t out_address[ADDRESS_BYTES])
{
    static const uint8_t v4_prefix[V4_START] = { [10] = 0xff, [11] = 0xff };
    char copy[ADDRESS_TEXT_BYTES];
    if (text.length == 0 || text.length >= sizeof copy || memchr(text.bytes, 0, text.length) != NULL) {
        return false;
    }
    memcpy(copy, text.bytes, text.length);
    copy[text.length] = '\0';
    memcpy(out_address, v4_prefix, sizeof v4_prefix);
    return inet_pton(AF_INET, copy, out_address + V4_START) == 1 || inet_pton(AF_INET6, copy, out_address) == 1;
}

struct network {
    uint8_t address[ADDRESS_BYTES];
    int bits;
};

static bool read_network(struct weft_slice text, struct network *out_network)
{
    enum { BITS = 8 * ADDRESS_BYTES, V4_BITS = 32, MAX_DIGITS = 3 };
    const uint8_t *slash = text.length == 0 ? NULL : memchr(text.bytes, '/', text.length);
    size_t length = slash == NULL ? 0 : (size_t)(slash - text.bytes);
    struct weft_slice address = { text.bytes, length };
    size_t digits = slash == NULL ? 0 : text.length - length - 1;
    int bits = 0;
    bool is_v4 = length > 0 && memchr(text.bytes, ':', length) == NULL;
    if (digits == 0 || digits > MAX_DIGITS || !read_address(address, out_network->address)) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        uint8_t digit = slash[1 + i];
        if (digit < '0' || digit > '9') {
            return false;
        }
        bits = bits * 10 + (digit - '0');
    }
    out_network->bits = is_v4 ? bits + (BITS - V4_BITS) : bits;
    return bits <= (is_v4 ? (int)V4_BITS : (int)BITS);
}

static bool is_within(const uint8_t *address, const struct network *network)
{
    for (int bit = 0; bit < network->bits; bit++) {
        if (((address[bit / 8] ^ network->address[bit / 8]) >> (7 - bit % 8) & 1) != 0) {
            return false;
        }
    }
    return true;
}

static enum weft_status fail_network(struct weft_slice text, struct weft_error *error)
{
    return weft_fail(error, WEFT_INVALID, "IsInCIDR: \"%.*s\" is no network, as 10.0.0.0/8 is", WEFT_SLICE_PRINT(text));
}

static enum weft_status make_is_in_cidr(struct weft_ottl_maker *maker, const struct weft_ottl_call *call,
                                        void **out_state, struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    const struct weft_ottl_node *list = call->nodes[1];
    struct network network;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct weft_ottl_node *item = list->items[i];
        if (item->kind == WEFT_OTTL_NODE_LITERAL && item->literal.kind == WEFT_OTTL_STRING &&
            !read_network(item->literal.bytes, &network)) {
            return fail_network(item->literal.bytes, error);
        }
    }
    return WEFT_OK;
}

static enum weft_status is_in_cidr(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                   struct weft_ottl_value *out_value)
{
    uint8_t address[ADDRESS_BYTES];
    const struct weft_ottl_list *networks = call->arguments[1].list;
    bool is_found = false;
    if (!read_address(call->arguments[0].bytes, address)) {
        return weft_ottl_give(out_value, weft_ottl_bool(false));
    }
    for (size_t i = 0; i < networks->count && !is_found; i++) {
        struct network network;
        if (!read_network(networks->items[i].bytes, &network)) {
            return fail_network(networks->items[i].bytes, &run->error);
        }
        is_found = is_within(address, &network);
    }
    return weft_ottl_give(out_value, weft_ottl_bool(is_found));
}

const struct weft_ottl_function weft_ottl_functions_net[] = {
    { .name = "IsInCIDR",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "networks", WEFT_OTTL_TAKES_STRING, .is_list = true } },
      .make = make_is_in_cidr,
      .call = is_in_cidr },
    { .name = NULL },
};
