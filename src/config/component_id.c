/* Component and pipeline ids, by the rules of the Collector's component.ID (component_id.h). The table is Unicode 15:
 * separators, control, format, surrogate, private use and symbols above ASCII; a range may run over code points that
 * are not assigned. */
#include "config/component_id.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

struct range {
    uint32_t first;
    uint32_t last;
};

/* clang-format off */
static const struct range forbidden[] = {
    { 0x80, 0xa0 }, { 0xa2, 0xa6 }, { 0xa8, 0xa9 }, { 0xac, 0xb1 },
    { 0xb4, 0xb4 }, { 0xb8, 0xb8 }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 },
    { 0x2c2, 0x2c5 }, { 0x2d2, 0x2df }, { 0x2e5, 0x2eb }, { 0x2ed, 0x2ed },
    { 0x2ef, 0x2ff }, { 0x375, 0x375 }, { 0x384, 0x385 }, { 0x3f6, 0x3f6 },
    { 0x482, 0x482 }, { 0x58d, 0x58f }, { 0x600, 0x608 }, { 0x60b, 0x60b },
    { 0x60e, 0x60f }, { 0x61c, 0x61c }, { 0x6dd, 0x6de }, { 0x6e9, 0x6e9 },
    { 0x6fd, 0x6fe }, { 0x70f, 0x70f }, { 0x7f6, 0x7f6 }, { 0x7fe, 0x7ff },
    { 0x888, 0x888 }, { 0x890, 0x891 }, { 0x8e2, 0x8e2 }, { 0x9f2, 0x9f3 },
    { 0x9fa, 0x9fb }, { 0xaf1, 0xaf1 }, { 0xb70, 0xb70 }, { 0xbf3, 0xbfa },
    { 0xc7f, 0xc7f }, { 0xd4f, 0xd4f }, { 0xd79, 0xd79 }, { 0xe3f, 0xe3f },
    { 0xf01, 0xf03 }, { 0xf13, 0xf13 }, { 0xf15, 0xf17 }, { 0xf1a, 0xf1f },
    { 0xf34, 0xf34 }, { 0xf36, 0xf36 }, { 0xf38, 0xf38 }, { 0xfbe, 0xfc5 },
    { 0xfc7, 0xfcf }, { 0xfd5, 0xfd8 }, { 0x109e, 0x109f }, { 0x1390, 0x1399 },
    { 0x166d, 0x166d }, { 0x1680, 0x1680 }, { 0x17db, 0x17db }, { 0x180e, 0x180e },
    { 0x1940, 0x1940 }, { 0x19de, 0x19ff }, { 0x1b61, 0x1b6a }, { 0x1b74, 0x1b7c },
    { 0x1fbd, 0x1fbd }, { 0x1fbf, 0x1fc1 }, { 0x1fcd, 0x1fcf }, { 0x1fdd, 0x1fdf },
    { 0x1fed, 0x1fef }, { 0x1ffd, 0x200f }, { 0x2028, 0x202f }, { 0x2044, 0x2044 },
    { 0x2052, 0x2052 }, { 0x205f, 0x206f }, { 0x207a, 0x207c }, { 0x208a, 0x208c },
    { 0x20a0, 0x20c0 }, { 0x2100, 0x2101 }, { 0x2103, 0x2106 }, { 0x2108, 0x2109 },
    { 0x2114, 0x2114 }, { 0x2116, 0x2118 }, { 0x211e, 0x2123 }, { 0x2125, 0x2125 },
    { 0x2127, 0x2127 }, { 0x2129, 0x2129 }, { 0x212e, 0x212e }, { 0x213a, 0x213b },
    { 0x2140, 0x2144 }, { 0x214a, 0x214d }, { 0x214f, 0x214f }, { 0x218a, 0x2307 },
    { 0x230c, 0x2328 }, { 0x232b, 0x244a }, { 0x249c, 0x24e9 }, { 0x2500, 0x2767 },
    { 0x2794, 0x27c4 }, { 0x27c7, 0x27e5 }, { 0x27f0, 0x2982 }, { 0x2999, 0x29d7 },
    { 0x29dc, 0x29fb }, { 0x29fe, 0x2bff }, { 0x2ce5, 0x2cea }, { 0x2e50, 0x2e51 },
    { 0x2e80, 0x3000 }, { 0x3004, 0x3004 }, { 0x3012, 0x3013 }, { 0x3020, 0x3020 },
    { 0x3036, 0x3037 }, { 0x303e, 0x303f }, { 0x309b, 0x309c }, { 0x3190, 0x3191 },
    { 0x3196, 0x319f }, { 0x31c0, 0x31e3 }, { 0x3200, 0x321e }, { 0x322a, 0x3247 },
    { 0x3250, 0x3250 }, { 0x3260, 0x327f }, { 0x328a, 0x32b0 }, { 0x32c0, 0x33ff },
    { 0x4dc0, 0x4dff }, { 0xa490, 0xa4c6 }, { 0xa700, 0xa716 }, { 0xa720, 0xa721 },
    { 0xa789, 0xa78a }, { 0xa828, 0xa82b }, { 0xa836, 0xa839 }, { 0xaa77, 0xaa79 },
    { 0xab5b, 0xab5b }, { 0xab6a, 0xab6b }, { 0xd800, 0xf8ff }, { 0xfb29, 0xfb29 },
    { 0xfbb2, 0xfbc2 }, { 0xfd40, 0xfd4f }, { 0xfdcf, 0xfdcf }, { 0xfdfc, 0xfdff },
    { 0xfe62, 0xfe62 }, { 0xfe64, 0xfe66 }, { 0xfe69, 0xfe69 }, { 0xfeff, 0xfeff },
    { 0xff04, 0xff04 }, { 0xff0b, 0xff0b }, { 0xff1c, 0xff1e }, { 0xff3e, 0xff3e },
    { 0xff40, 0xff40 }, { 0xff5c, 0xff5c }, { 0xff5e, 0xff5e }, { 0xffe0, 0xfffd },
    { 0x10137, 0x1013f }, { 0x10179, 0x10189 }, { 0x1018c, 0x101fc }, { 0x10877, 0x10878 },
    { 0x10ac8, 0x10ac8 }, { 0x110bd, 0x110bd }, { 0x110cd, 0x110cd }, { 0x1173f, 0x1173f },
    { 0x11fd5, 0x11ff1 }, { 0x13430, 0x1343f }, { 0x16b3c, 0x16b3f }, { 0x16b45, 0x16b45 },
    { 0x1bc9c, 0x1bc9c }, { 0x1bca0, 0x1bca3 }, { 0x1cf50, 0x1d164 }, { 0x1d16a, 0x1d16c },
    { 0x1d173, 0x1d17a }, { 0x1d183, 0x1d184 }, { 0x1d18c, 0x1d1a9 }, { 0x1d1ae, 0x1d241 },
    { 0x1d245, 0x1d245 }, { 0x1d300, 0x1d356 }, { 0x1d6c1, 0x1d6c1 }, { 0x1d6db, 0x1d6db },
    { 0x1d6fb, 0x1d6fb }, { 0x1d715, 0x1d715 }, { 0x1d735, 0x1d735 }, { 0x1d74f, 0x1d74f },
    { 0x1d76f, 0x1d76f }, { 0x1d789, 0x1d789 }, { 0x1d7a9, 0x1d7a9 }, { 0x1d7c3, 0x1d7c3 },
    { 0x1d800, 0x1d9ff }, { 0x1da37, 0x1da3a }, { 0x1da6d, 0x1da74 }, { 0x1da76, 0x1da83 },
    { 0x1da85, 0x1da86 }, { 0x1e14f, 0x1e14f }, { 0x1e2ff, 0x1e2ff }, { 0x1ecac, 0x1ecac },
    { 0x1ecb0, 0x1ecb0 }, { 0x1ed2e, 0x1ed2e }, { 0x1eef0, 0x1f0f5 }, { 0x1f10d, 0x1fbca },
    { 0xe0001, 0xe007f }, { 0xf0000, 0x10fffd },
};
/* clang-format on */

enum { TYPE_MAX_BYTES = 63, NAME_MAX_BYTES = 1024 };

static bool is_forbidden(uint32_t code_point)
{
    if (code_point < 0x80) {
        return code_point <= 0x20 || code_point == 0x7f || strchr("$+<=>^`|~", (int)code_point) != NULL;
    }
    size_t low = 0;
    for (size_t high = WEFT_COUNT_OF(forbidden); low < high;) {
        size_t middle = low + (high - low) / 2;
        if (code_point > forbidden[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < WEFT_COUNT_OF(forbidden) && code_point >= forbidden[low].first;
}

/* 0 for what is not UTF-8; over-long forms and the like cannot come from YAML, and from the environment they do no
 * harm here. */
static size_t read_code_point(const unsigned char *at, uint32_t *out_code_point)
{
    static const unsigned char first_masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    size_t length = at[0] < 0x80 ? 1 : at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc0 ? 2 : 0;
    uint32_t code_point = length > 0 ? at[0] & first_masks[length] : 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return 0;
        }
        code_point = code_point << 6 | (at[i] & 0x3f);
    }
    *out_code_point = code_point;
    return length;
}

static bool is_name(const char *name)
{
    const unsigned char *at = (const unsigned char *)name;
    while (*at != '\0') {
        uint32_t code_point = 0;
        size_t length = read_code_point(at, &code_point);
        if (length == 0 || is_forbidden(code_point)) {
            return false;
        }
        at += length;
    }
    return true;
}

static bool is_type(const char *type)
{
    size_t length = strlen(type);
    for (size_t i = 0; i < length; i++) {
        char letter = (char)(type[i] | 0x20);
        bool is_letter = letter >= 'a' && letter <= 'z';
        bool is_other = type[i] == '_' || (type[i] >= '0' && type[i] <= '9');
        if (!is_letter && !(is_other && i > 0)) {
            return false;
        }
    }
    return length > 0 && length <= TYPE_MAX_BYTES;
}

static bool is_blank(char letter)
{
    return letter == ' ' || (letter >= '\t' && letter <= '\r');
}

static char *try_trimmed(const char *text, size_t length)
{
    while (length > 0 && is_blank(text[0])) {
        text++;
        length--;
    }
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    char *copy = weft_try_alloc_raw(length + 1);
    if (copy != NULL) {
        memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static enum weft_status check(const char *text, const char *type, const char *name, struct weft_error *error)
{
    if (type[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "id \"%.80s\" has no type", text);
    }
    if (!is_type(type)) {
        return weft_fail(error, WEFT_INVALID, "id \"%.80s\": a type is a letter and then up to 62 letters, digits or _",
                         text);
    }
    if (name == NULL) {
        return WEFT_OK;
    }
    if (name[0] == '\0') {
        return weft_fail(error, WEFT_INVALID, "id \"%.80s\": nothing after the /", text);
    }
    if (strlen(name) > NAME_MAX_BYTES) {
        return weft_fail(error, WEFT_INVALID, "id \"%.80s...\": the name is longer than %d bytes", text,
                         NAME_MAX_BYTES);
    }
    if (!is_name(name)) {
        return weft_fail(error, WEFT_INVALID, "id \"%.80s\": a name has no blanks, control characters or symbols",
                         text);
    }
    return WEFT_OK;
}

enum weft_status weft_component_id_parse(const char *text, struct weft_component_id *out_id, struct weft_error *error)
{
    const char *slash = strchr(text, '/');
    size_t type_length = slash != NULL ? (size_t)(slash - text) : strlen(text);
    char *type = try_trimmed(text, type_length);
    char *name = slash != NULL ? try_trimmed(slash + 1, strlen(slash + 1)) : NULL;
    bool has_memory = type != NULL && (slash == NULL || name != NULL);
    enum weft_status status =
        has_memory ? check(text, type, name, error) : weft_fail(error, WEFT_NOMEM, "out of memory");
    char *whole = NULL;
    if (status == WEFT_OK) {
        size_t size_bytes = strlen(type) + 1 + (name != NULL ? strlen(name) : 0) + 1;
        whole = weft_try_alloc_raw(size_bytes);
        if (whole == NULL) {
            status = weft_fail(error, WEFT_NOMEM, "out of memory");
        } else {
            snprintf(whole, size_bytes, "%s%s%s", type, name != NULL ? "/" : "", name != NULL ? name : "");
        }
    }
    weft_free(name);
    if (status != WEFT_OK) {
        weft_free(type);
        return status;
    }
    size_t name_at = strlen(type) + (slash != NULL ? 1 : 0);
    *out_id = (struct weft_component_id){ .text = whole, .type = type, .name = whole + name_at };
    return WEFT_OK;
}

void weft_component_id_fini(struct weft_component_id *id)
{
    weft_free(id->text);
    weft_free(id->type);
    *id = (struct weft_component_id){ 0 };
}
