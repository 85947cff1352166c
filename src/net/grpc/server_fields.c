/* Header fields of a call that the service wants to see (server.h: kept_field, keeps_all_fields). They lie one after
 * another in a buffer of the call, within the limit on its header; without the settings none is kept. */
#include <string.h>

#include "net/grpc/server_internal.h"

struct lengths {
    uint32_t name, value;
};

/* What is HTTP/2's or gRPC's own says nothing to a service. */
static bool is_own(struct weft_slice name)
{
    static const struct weft_slice grpc = WEFT_SLICE_LITERAL("grpc-");
    bool is_pseudo = name.length > 0 && name.bytes[0] == ':' && !weft_slice_equal_text(name, ":authority");
    bool is_grpc = name.length >= grpc.length && memcmp(name.bytes, grpc.bytes, grpc.length) == 0;
    return is_pseudo || is_grpc || weft_slice_equal_text(name, "te");
}

bool weft_grpc_server_call_keep_field(struct weft_grpc_server_call *call, struct weft_slice name,
                                      struct weft_slice value)
{
    const struct weft_grpc_server_settings *settings = &call->connection->server->settings;
    bool is_kept = (settings->kept_field != NULL && weft_slice_equal_text(name, settings->kept_field)) ||
                   (settings->keeps_all_fields && !is_own(name));
    if (!is_kept) {
        return true;
    }
    struct lengths lengths = { (uint32_t)name.length, (uint32_t)value.length };
    size_t charged = call->fields.capacity;
    weft_buffer_append(&call->fields, &lengths, sizeof lengths);
    weft_buffer_append(&call->fields, name.bytes, name.length);
    weft_buffer_append(&call->fields, value.bytes, value.length);
    weft_budget_charge(call->connection->server->net.budget, call->fields.capacity - charged);
    return !call->fields.is_failed;
}

bool weft_grpc_server_call_next_field(const struct weft_grpc_server_call *call, size_t *in_out_offset,
                                      struct weft_slice *out_name, struct weft_slice *out_value)
{
    struct lengths lengths;
    if (*in_out_offset == call->fields.length) {
        return false;
    }
    const uint8_t *at = call->fields.bytes + *in_out_offset;
    memcpy(&lengths, at, sizeof lengths);
    *out_name = weft_slice_of(at + sizeof lengths, lengths.name);
    *out_value = weft_slice_of(at + sizeof lengths + lengths.name, lengths.value);
    *in_out_offset += sizeof lengths + lengths.name + lengths.value;
    return true;
}

struct weft_slice weft_grpc_server_call_field(const struct weft_grpc_server_call *call, const char *name)
{
    struct weft_slice found, value;
    for (size_t offset = 0; weft_grpc_server_call_next_field(call, &offset, &found, &value);) {
        if (weft_slice_equal_text(found, name)) {
            return value;
        }
    }
    return WEFT_SLICE_EMPTY;
}
