/* Sizes in bytes with units (byte_size.h). */
#include "config/byte_size.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char letters[] = "kmgtp";

/* The whole of unit; false: there is no such unit. */
static bool read_unit(const char *unit, double *out_factor)
{
    const char *letter = unit[0] == '\0' ? NULL : strchr(letters, tolower((unsigned char)unit[0]));
    *out_factor = 1;
    if (letter == NULL) {
        return unit[0] == '\0';
    }
    bool is_binary = unit[1] == 'i';
    const char *rest = unit + 1 + is_binary;
    for (const char *at = letters; at <= letter; at++) {
        *out_factor *= is_binary ? 1024 : 1000;
    }
    return tolower((unsigned char)rest[0]) == 'b' && rest[1] == '\0';
}

bool weft_byte_size_parse(const char *text, uint64_t *out_bytes)
{
    size_t digits = strspn(text, "0123456789");
    const char *at = text + digits + (text[digits] == '.');
    at += strspn(at, "0123456789");
    double factor, number = digits == 0 ? 0 : strtod(text, NULL);
    at += strspn(at, " \t");
    if (digits == 0 || !read_unit(at, &factor) || !(number * factor < 0x1p63)) {
        return false;
    }
    *out_bytes = (uint64_t)(number * factor);
    return true;
}
