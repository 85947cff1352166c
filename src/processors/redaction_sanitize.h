#pragma once

#include "base/buffer.h"

/* Sanitizers: each writes a text anew without what is particular to it, literals of a statement or ids in a path, so
 * that equal kinds of texts become equal ones. All are lexers of one pass: time and memory are in proportion to the
 * text. They stand in the order in which the Collector's processor asks them. */
enum weft_sanitizer {
    WEFT_SANITIZE_URL,
    WEFT_SANITIZE_SQL,
    WEFT_SANITIZE_REDIS,
    WEFT_SANITIZE_VALKEY,
    WEFT_SANITIZE_MEMCACHED,
    WEFT_SANITIZE_MONGO,
    WEFT_SANITIZE_OPENSEARCH,
    WEFT_SANITIZE_ES,
    WEFT_SANITIZERS
};

/* Sets of sanitizers: bit 1 << sanitizer. */
typedef uint32_t weft_sanitizer_set;

/* What is asked of a text. */
struct weft_sanitizing {
    weft_sanitizer_set set;
    bool is_mysql; /* double quotes are those of strings, not of names */
};

/* As a rule is called: "url_sanitizer", "db_sanitizer.sql". */
const char *weft_sanitizer_name(enum weft_sanitizer sanitizer);

/* Appends the text as the sanitizer leaves it. */
void weft_sanitize(enum weft_sanitizer sanitizer, bool is_mysql, struct weft_slice text, struct weft_buffer *out);

/* A path, or what holds one: its segments that are no words become *, what stands behind ? & # goes. */
void weft_sanitize_url(struct weft_slice path, struct weft_buffer *out);

/* Whether the letters and spaces of it follow one another as in English. */
bool weft_sanitize_is_word(struct weft_slice word);

/* Strings, numbers, parameters, true, false and null become ?, digits in names, too. Comments stay. */
void weft_sanitize_sql(struct weft_slice statement, bool is_mysql, struct weft_buffer *out);

/* Commands, a line each: arguments that are values become ?. */
void weft_sanitize_redis(struct weft_slice commands, struct weft_buffer *out);

/* What stands before the first end of a line. */
void weft_sanitize_memcached(struct weft_slice command, struct weft_buffer *out);

/* Values of a JSON text become "?"; what is no JSON text stays. */
void weft_sanitize_json(struct weft_slice json, struct weft_buffer *out);

/* Without the white space around it, that of Unicode. */
struct weft_slice weft_sanitize_trim(struct weft_slice text);
