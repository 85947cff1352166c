/* Converters of addresses and URLs. */
#include <arpa/inet.h>

#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/text_base64.h"
#include "ottl/text_url.h"

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

/* ---- CommunityID ---- */

enum { SOURCE, SOURCE_PORT, DESTINATION, DESTINATION_PORT, PROTOCOL, SEED };

struct endpoint {
    uint8_t bytes[ADDRESS_BYTES + 2]; /* the address, IPv4 as 4 bytes, and the port */
    size_t length;
};

static uint8_t *put_u16(uint8_t *to, int64_t number)
{
    *to++ = (uint8_t)(number >> 8);
    *to++ = (uint8_t)number;
    return to;
}

static bool is_u16(int64_t number)
{
    return number >= 0 && number <= UINT16_MAX;
}

static enum weft_status read_endpoint(struct weft_ottl_run *run, const struct weft_ottl_call *call, size_t parameter,
                                      struct endpoint *out_endpoint)
{
    static const uint8_t v4_prefix[V4_START] = { [10] = 0xff, [11] = 0xff };
    uint8_t address[ADDRESS_BYTES];
    int64_t port = call->arguments[parameter + 1].integer;
    if (!read_address(call->arguments[parameter].bytes, address) || !is_u16(port)) {
        return weft_fail(&run->error, WEFT_INVALID, "CommunityID: %s of an endpoint",
                         is_u16(port) ? "this is no address" : "this is no port");
    }
    size_t start = memcmp(address, v4_prefix, sizeof v4_prefix) == 0 ? V4_START : 0;
    out_endpoint->length = ADDRESS_BYTES - start;
    memcpy(out_endpoint->bytes, address + start, out_endpoint->length);
    put_u16(out_endpoint->bytes + out_endpoint->length, port);
    return WEFT_OK;
}

/* The lower one comes first: by its address, then by its port. */
static bool is_behind(const struct endpoint *left, const struct endpoint *right)
{
    return left->length != right->length ? left->length > right->length
                                         : memcmp(left->bytes, right->bytes, left->length + 2) > 0;
}

/* -1: unknown. */
static int protocol_of(const struct weft_ottl_call *call)
{
    static const struct {
        const char *name;
        int number;
    } protocols[] = { { "ICMP", 1 }, { "TCP", 6 }, { "UDP", 17 }, { "RSVP", 46 }, { "ICMP6", 58 }, { "SCTP", 132 } };
    struct weft_slice name = weft_ottl_text_or(call, PROTOCOL, "TCP");
    for (size_t i = 0; i < WEFT_COUNT_OF(protocols); i++) {
        if (weft_slice_equal_text(name, protocols[i].name)) {
            return protocols[i].number;
        }
    }
    return -1;
}

static enum weft_status give_community_id(struct weft_ottl_run *run, struct weft_slice flow,
                                          struct weft_ottl_value *out_value)
{
    uint8_t hash[WEFT_DIGEST_MAX_BYTES];
    struct weft_digest **digest = &run->digests[WEFT_DIGEST_SHA1];
    enum weft_status status = *digest != NULL ? WEFT_OK : weft_digest_new(WEFT_DIGEST_SHA1, NULL, digest, &run->error);
    if (status != WEFT_OK) {
        return status == WEFT_NOMEM ? status : WEFT_INVALID;
    }
    size_t length = weft_digest_compute(*digest, flow, hash);
    if (length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "the digest failed");
    }
    struct weft_buffer *out = weft_ottl_scratch(run);
    weft_buffer_append_text(out, "1:");
    weft_ottl_base64_put(out, weft_slice_of(hash, length), WEFT_OTTL_BASE64_PADDED);
    return weft_ottl_give_scratch(run, out_value);
}

/* Version 1 of the community's hash of a flow. */
static enum weft_status community_id(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                     struct weft_ottl_value *out_value)
{
    struct endpoint ends[2];
    uint8_t flow[2 + 2 * sizeof ends[0].bytes + 2];
    int64_t seed = weft_ottl_is_given(call, SEED) ? call->arguments[SEED].integer : 0;
    int protocol = protocol_of(call);
    enum weft_status status = read_endpoint(run, call, SOURCE, &ends[0]);
    if (status == WEFT_OK) {
        status = read_endpoint(run, call, DESTINATION, &ends[1]);
    }
    if (status != WEFT_OK) {
        return status;
    }
    if (protocol < 0 || !is_u16(seed)) {
        return weft_fail(&run->error, WEFT_INVALID, "CommunityID: %s",
                         protocol < 0 ? "the protocol is unknown" : "the seed is no number of two bytes");
    }
    bool is_swapped = is_behind(&ends[0], &ends[1]);
    const struct endpoint *low = &ends[is_swapped], *high = &ends[!is_swapped];
    uint8_t *to = put_u16(flow, seed);
    memcpy(to, low->bytes, low->length);
    memcpy(to + low->length, high->bytes, high->length);
    to += low->length + high->length;
    *to++ = (uint8_t)protocol;
    *to++ = 0;
    memcpy(to, low->bytes + low->length, 2);
    memcpy(to + 2, high->bytes + high->length, 2);
    return give_community_id(run, weft_slice_of(flow, (size_t)(to + 4 - flow)), out_value);
}

/* ---- URL ---- */

static enum weft_status add_text(struct weft_ottl_run *run, struct weft_ottl_map *map, const char *key,
                                 struct weft_slice text, bool is_there)
{
    return is_there ? weft_ottl_map_append(&run->memory, map, weft_slice_of_text(key), weft_ottl_string(text))
                    : WEFT_OK;
}

static enum weft_status add_port(struct weft_ottl_run *run, struct weft_ottl_map *map, struct weft_slice digits)
{
    int64_t port = 0;
    for (size_t i = 0; i < digits.length; i++) {
        int digit = digits.bytes[i] - '0';
        if (port > (INT64_MAX - digit) / 10) {
            return weft_fail(&run->error, WEFT_INVALID, "URL: the port is too large");
        }
        port = port * 10 + digit;
    }
    return digits.length == 0
               ? WEFT_OK
               : weft_ottl_map_append(&run->memory, map, WEFT_SLICE_LITERAL("url.port"), weft_ottl_int(port));
}

/* What stands behind the last dot of the path. */
static struct weft_slice extension_of(struct weft_slice path)
{
    const uint8_t *dot = path.length == 0 ? NULL : memrchr(path.bytes, '.', path.length);
    return dot == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(dot + 1, path.length - (size_t)(dot - path.bytes) - 1);
}

static enum weft_status give_parts(struct weft_ottl_run *run, const struct weft_ottl_url *parts,
                                   struct weft_ottl_map *map)
{
    struct weft_slice extension = extension_of(parts->path);
    const struct {
        const char *key;
        struct weft_slice text;
        bool is_there;
    } rows[] = {
        { "url.original", parts->original, true },
        { "url.domain", parts->domain, true },
        { "url.scheme", parts->scheme, true },
        { "url.path", parts->path, true },
        { "url.fragment", parts->fragment, parts->fragment.length > 0 },
        { "url.user_info", parts->user_info, parts->has_user },
        { "url.username", parts->username, parts->username.length > 0 },
        { "url.password", parts->password, parts->has_password },
        { "url.query", parts->query, parts->query.length > 0 },
        { "url.extension", extension, extension.length > 0 },
    };
    enum weft_status status = add_port(run, map, parts->port);
    for (size_t i = 0; status == WEFT_OK && i < WEFT_COUNT_OF(rows); i++) {
        status = add_text(run, map, rows[i].key, rows[i].text, rows[i].is_there);
    }
    return status;
}

/* One of "a=b&c=d": its value is added to the list of its key. */
static enum weft_status add_parameter(struct weft_ottl_run *run, struct weft_slice pair, struct weft_ottl_map *map)
{
    struct weft_slice key = pair;
    struct weft_slice text = WEFT_SLICE_EMPTY;
    struct weft_ottl_value values;
    const uint8_t *equals = memchr(pair.bytes, '=', pair.length);
    if (memchr(pair.bytes, ';', pair.length) != NULL) {
        return weft_fail(&run->error, WEFT_INVALID, "a semicolon in a query");
    }
    if (equals != NULL) {
        key.length = (size_t)(equals - pair.bytes);
        text = weft_slice_of(equals + 1, pair.length - key.length - 1);
    }
    enum weft_status status = weft_ottl_url_decode_query(run, key, &key);
    if (status == WEFT_OK) {
        status = weft_ottl_url_decode_query(run, text, &text);
    }
    if (status == WEFT_OK &&
        !weft_ottl_map_find(&(struct weft_ottl_value){ .kind = WEFT_OTTL_MAP, .map = map }, key, &values)) {
        struct weft_ottl_list *list = weft_ottl_new_list(run);
        status = list == NULL ? WEFT_NOMEM : WEFT_OK;
        values = weft_ottl_open_list(list);
        values.origin = WEFT_OTTL_RAW;
        status = status == WEFT_OK ? weft_ottl_map_append(&run->memory, map, key, values) : status;
    }
    return status == WEFT_OK ? weft_ottl_list_append(&run->memory, values.list, weft_ottl_string(text)) : status;
}

/* Of a query alone: behind its "?". */
static enum weft_status give_query(struct weft_ottl_run *run, struct weft_slice query, struct weft_ottl_map *map)
{
    enum { MAX_PARAMETERS = 10000, STEPS_OF_PARAMETER = 10 };
    struct weft_ottl_map *parameters = weft_ottl_new_map(run);
    enum weft_status status = parameters == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t count = 1; status == WEFT_OK && query.length > 0; count++) {
        const uint8_t *end = memchr(query.bytes, '&', query.length);
        struct weft_slice pair = { query.bytes, end == NULL ? query.length : (size_t)(end - query.bytes) };
        query = end == NULL ? WEFT_SLICE_EMPTY : weft_slice_of(end + 1, query.length - pair.length - 1);
        if (count > MAX_PARAMETERS || (count == MAX_PARAMETERS && end != NULL)) {
            return weft_fail(&run->error, WEFT_INVALID, "more than %d parameters", MAX_PARAMETERS);
        }
        if (!weft_ottl_spend(run, STEPS_OF_PARAMETER * (parameters->count + 1))) {
            return weft_ottl_fail_steps(run);
        }
        status = pair.length == 0 ? WEFT_OK : add_parameter(run, pair, parameters);
    }
    if (status != WEFT_OK || parameters->count == 0) {
        return status;
    }
    struct weft_ottl_value value = weft_ottl_open_map(parameters);
    value.origin = WEFT_OTTL_RAW;
    return weft_ottl_map_append(&run->memory, map, WEFT_SLICE_LITERAL("query"), value);
}

static enum weft_status url(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                            struct weft_ottl_value *out_value)
{
    struct weft_slice text = call->arguments[0].bytes;
    struct weft_ottl_map *map = weft_ottl_new_map(run);
    struct weft_ottl_url parts;
    enum weft_status status = map == NULL ? WEFT_NOMEM : WEFT_OK;
    if (text.length == 0) {
        return weft_fail(&run->error, WEFT_INVALID, "URL: the text is empty");
    }
    if (status == WEFT_OK && text.bytes[0] == '?') {
        status = give_query(run, weft_slice_of(text.bytes + 1, text.length - 1), map);
    } else if (status == WEFT_OK) {
        status = weft_ottl_url_read(run, text, &parts);
        status = status == WEFT_OK ? give_parts(run, &parts, map) : status;
    }
    *out_value = weft_ottl_open_map(map);
    out_value->origin = WEFT_OTTL_RAW;
    return status == WEFT_INVALID ? weft_fail_prefix(&run->error, "URL") : status;
}

const struct weft_ottl_function weft_ottl_functions_net[] = {
    { .name = "CommunityID",
      .parameters = { { "sourceIP", WEFT_OTTL_TAKES_STRING },
                      { "sourcePort", WEFT_OTTL_TAKES_INT },
                      { "destinationIP", WEFT_OTTL_TAKES_STRING },
                      { "destinationPort", WEFT_OTTL_TAKES_INT },
                      { "protocol", WEFT_OTTL_TAKES_STRING, .is_optional = true },
                      { "seed", WEFT_OTTL_TAKES_INT, .is_optional = true } },
      .call = community_id },
    { .name = "IsInCIDR",
      .parameters = { { "target", WEFT_OTTL_TAKES_STRING }, { "networks", WEFT_OTTL_TAKES_STRING, .is_list = true } },
      .make = make_is_in_cidr,
      .call = is_in_cidr },
    { .name = "URL", .parameters = { { "URI", WEFT_OTTL_TAKES_STRING } }, .call = url },
    { .name = NULL },
};
