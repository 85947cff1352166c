/* The walk over the records of a checked request that needs no table (otlp_table.h): for who only looks. */
#include "wire/otlp_table_internal.h"
#include "wire/checked.h"

enum { ROWS_FIELD = 1, SCOPES_FIELD = 2, RECORDS_FIELD = 2 };

struct weft_otlp_walk weft_otlp_walk_of(struct weft_slice request)
{
    struct weft_wire_reader none = weft_wire_reader_of(WEFT_SLICE_EMPTY);
    return (struct weft_otlp_walk){ .request = weft_wire_reader_of(request), .resource = none, .scope = none };
}

/* The next message in this field of what the reader reads. The bytes passed the check. */
static bool next_message(struct weft_wire_reader *reader, uint32_t number, struct weft_slice *out_message)
{
    return weft_otlp_next_row(reader, number, out_message) || weft_wire_next_message(reader, number, out_message);
}

bool weft_otlp_walk_next(struct weft_otlp_walk *walk, struct weft_slice *out_record)
{
    struct weft_slice message;
    while (!next_message(&walk->scope, RECORDS_FIELD, out_record)) {
        while (!next_message(&walk->resource, SCOPES_FIELD, &message)) {
            if (!next_message(&walk->request, ROWS_FIELD, &message)) {
                return false;
            }
            walk->resource_x = message;
            walk->resource = weft_wire_reader_of(message);
        }
        walk->scope_x = message;
        walk->scope = weft_wire_reader_of(message);
    }
    return true;
}
