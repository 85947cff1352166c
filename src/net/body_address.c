/* How many messages clients of one address have begun (body_credit.h). Found once a connection; which address
 * has most is known to a factor of two, by lists of those with one, two, four... messages. */
#include "base/alloc.h"
#include "base/assert.h"
#include "net/body_credit_internal.h"

enum { MAX_HOST_BYTES = 16 };

WEFT_MAGIC(body_address, 0xb0dadd43);

struct weft_body_address {
    struct weft_list node;       /* of a bucket */
    struct weft_list count_node; /* of by_count */
    uint32_t magic;
    uint32_t reference_count;
    uint32_t body_count;
    struct weft_list bodies; /* oldest first, but for those that were passed over */
    size_t host_length;
    uint8_t host[MAX_HOST_BYTES];
};

void weft_body_addresses_init(struct weft_body_addresses *addresses)
{
    for (size_t i = 0; i < WEFT_BODY_ADDRESS_BUCKETS; i++) {
        weft_list_init(&addresses->buckets[i]);
    }
    for (size_t i = 0; i < WEFT_BODY_COUNT_GRADES; i++) {
        weft_list_init(&addresses->by_count[i]);
    }
}

void weft_body_addresses_fini(struct weft_body_addresses *addresses)
{
    for (size_t i = 0; i < WEFT_BODY_ADDRESS_BUCKETS; i++) {
        weft_assert(weft_list_is_empty(&addresses->buckets[i]));
    }
}

static struct weft_list *bucket_of(struct weft_body_addresses *addresses, struct weft_slice host)
{
    uint32_t hash = 2166136261U; /* FNV-1a; a long chain costs a connection its length once */
    for (size_t i = 0; i < host.length; i++) {
        hash = (hash ^ host.bytes[i]) * 16777619U;
    }
    return &addresses->buckets[(hash ^ hash >> 16) % WEFT_BODY_ADDRESS_BUCKETS];
}

struct weft_body_address *weft_body_address_acquire(struct weft_body_credit *credit, struct weft_slice host)
{
    host.length = host.length > MAX_HOST_BYTES ? MAX_HOST_BYTES : host.length;
    struct weft_list *bucket = bucket_of(&credit->addresses, host);
    WEFT_LIST_EACH(node, bucket)
    {
        struct weft_body_address *address = WEFT_CONTAINER_OF(node, struct weft_body_address, node);
        if (weft_slice_equal(weft_slice_of(address->host, address->host_length), host)) {
            address->reference_count++;
            return address;
        }
    }
    struct weft_body_address *address = weft_alloc(sizeof *address);
    weft_set_magic(address, body_address);
    address->reference_count = 1;
    address->host_length = host.length;
    if (host.length > 0) {
        memcpy(address->host, host.bytes, host.length);
    }
    weft_list_init(&address->count_node);
    weft_list_init(&address->bodies);
    weft_list_push_back(bucket, &address->node);
    return address;
}

void weft_body_address_release(struct weft_body_address **address)
{
    struct weft_body_address *released = *address;
    *address = NULL;
    if (released == NULL) {
        return;
    }
    weft_check_magic(released, body_address);
    if (--released->reference_count > 0) {
        return;
    }
    weft_assert(released->body_count == 0);
    weft_list_remove(&released->node);
    weft_clear_magic(released, body_address);
    weft_free(released);
}

static unsigned grade_of(uint32_t count)
{
    return 31 - (unsigned)__builtin_clz(count);
}

static void change_count(struct weft_body_addresses *addresses, struct weft_body_address *address, uint32_t count)
{
    uint32_t former = address->body_count;
    address->body_count = count;
    if (count == 0) {
        weft_list_remove(&address->count_node);
    } else if (former == 0 || grade_of(former) != grade_of(count)) {
        weft_list_remove(&address->count_node);
        weft_list_push_back(&addresses->by_count[grade_of(count)], &address->count_node);
    }
}

struct weft_body_address *weft_body_addresses_greediest(struct weft_body_addresses *addresses, uint64_t *steps)
{
    for (size_t grade = WEFT_BODY_COUNT_GRADES; grade-- > 0;) {
        struct weft_list *node = weft_list_first(&addresses->by_count[grade]);
        ++*steps;
        if (node != NULL) {
            return WEFT_CONTAINER_OF(node, struct weft_body_address, count_node);
        }
    }
    return NULL;
}

uint32_t weft_body_address_count(const struct weft_body_address *address)
{
    weft_check_magic(address, body_address);
    return address->body_count;
}

struct weft_body *weft_body_address_next(struct weft_body_address *address)
{
    struct weft_list *node = address == NULL ? NULL : weft_list_pop_front(&address->bodies);
    if (node == NULL) {
        return NULL;
    }
    weft_list_push_back(&address->bodies, node);
    return WEFT_CONTAINER_OF(node, struct weft_body, address_node);
}

void weft_body_address_add(struct weft_body_addresses *addresses, struct weft_body_address *address,
                           struct weft_body *body)
{
    weft_check_magic(address, body_address);
    body->address = address;
    weft_list_push_back(&address->bodies, &body->address_node);
    change_count(addresses, address, address->body_count + 1);
}

void weft_body_address_remove(struct weft_body_addresses *addresses, struct weft_body *body)
{
    weft_list_remove(&body->address_node);
    change_count(addresses, body->address, body->address->body_count - 1);
    body->address = NULL;
}
