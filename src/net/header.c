/* What a header field may be (header.h). */
#include "net/header.h"

#include <string.h>

static bool is_token_byte(char byte)
{
    bool is_alphanumeric = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    return is_alphanumeric || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

bool weft_header_is_valid(const char *name, const char *value)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (!is_token_byte(*at)) {
            return false;
        }
    }
    for (const char *at = value; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return name[0] != '\0';
}
