/* Pieces of request targets (page.h). What a client wrote is taken literally once: `%2541` is `%41`. */
#include "admin/page.h"

#include "base/hex.h"

bool weft_admin_query_find(struct weft_slice query, const char *name, struct weft_slice *out_value)
{
    size_t name_length = strlen(name);
    bool has_found = false;
    for (size_t start = 0; start < query.length;) {
        const uint8_t *at = query.bytes + start;
        const uint8_t *ampersand = memchr(at, '&', query.length - start);
        size_t length = ampersand == NULL ? query.length - start : (size_t)(ampersand - at);
        if (length > name_length && at[name_length] == '=' && memcmp(at, name, name_length) == 0) {
            *out_value = weft_slice_of(at + name_length + 1, length - name_length - 1);
            has_found = true;
        }
        start += length + 1;
    }
    return has_found;
}

bool weft_admin_percent_decode(struct weft_slice text, char *out_text, size_t capacity)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        int byte = text.bytes[i];
        if (byte == '%') {
            byte = i + 2 < text.length ? weft_hex_byte(text.bytes + i + 1) : -1;
            if (byte < 0) {
                return false;
            }
            i += 2;
        }
        if (byte == 0 || length + 1 >= capacity) {
            return false;
        }
        out_text[length++] = (char)byte;
    }
    out_text[length] = '\0';
    return true;
}
