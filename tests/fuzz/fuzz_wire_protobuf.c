/* Fuzz target: the reader without a schema, down into every field that could be a message. The fields of a
 * message lie one after the other without gaps, up to where it is malformed. */
#include "base/assert.h"
#include "wire/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_DEPTH = 8 };

static void read_message(struct weft_slice message, unsigned depth)
{
    struct weft_wire_reader reader = weft_wire_reader_of(message);
    const uint8_t *expected = reader.at;
    struct weft_wire_field field;
    struct weft_error error = WEFT_ERROR_NONE;
    bool has_field = true;
    while (weft_wire_next(&reader, &field, &has_field, &error) == WEFT_OK && has_field) {
        weft_assert(field.whole.bytes == expected && field.whole.length > 0);
        expected += field.whole.length;
        weft_assert(expected == reader.at && expected <= reader.end);
        if (field.type == WEFT_WIRE_BYTES) {
            weft_assert(field.bytes.bytes + field.bytes.length == expected);
            if (depth < MAX_DEPTH) {
                read_message(field.bytes, depth + 1);
            }
        } else if (field.type == WEFT_WIRE_VARINT) {
            uint8_t written[10];
            weft_assert((size_t)(weft_wire_put_varint(written, field.number_value) - written) ==
                        weft_wire_size_varint(field.number_value));
        }
    }
    weft_assert(error.status == WEFT_OK || reader.at == expected);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_message((struct weft_slice){ data, size }, 0);
    return 0;
}
