#pragma once

#include "config/field.h"

/* One YAML value -> one C value of a field: what parse.c does for each key. node is not a plain null. Fallible ones
 * fill the error with file:line and path; what they give is freed by weft_config_fini. */
struct weft_config_reader {
    struct weft_config_notes *notes; /* may be NULL */
    struct weft_error *error;
};

enum weft_status weft_value_read_bool(const struct weft_config_reader *reader, const struct weft_node *node,
                                      bool *out_value) WEFT_MUST_CHECK;
enum weft_status weft_value_read_int(const struct weft_config_reader *reader, const struct weft_node *node,
                                     int64_t *out_value) WEFT_MUST_CHECK;
enum weft_status weft_value_read_uint(const struct weft_config_reader *reader, const struct weft_node *node,
                                      uint64_t *out_value) WEFT_MUST_CHECK;
enum weft_status weft_value_read_double(const struct weft_config_reader *reader, const struct weft_node *node,
                                        double *out_value) WEFT_MUST_CHECK;
enum weft_status weft_value_read_duration(const struct weft_config_reader *reader, const struct weft_node *node,
                                          struct weft_duration *out_value) WEFT_MUST_CHECK;
/* A number, or a text of byte_size.h. */
enum weft_status weft_value_read_bytes(const struct weft_config_reader *reader, const struct weft_node *node,
                                       uint64_t *out_bytes) WEFT_MUST_CHECK;
enum weft_status weft_value_read_choice(const struct weft_config_reader *reader, const struct weft_node *node,
                                        const struct weft_field *field, struct weft_choice *out_value) WEFT_MUST_CHECK;
/* A number or a bool must be quoted, as in the Collector, unless it came out of ${...}. */
enum weft_status weft_value_read_string(const struct weft_config_reader *reader, const struct weft_node *node,
                                        char **out_text) WEFT_MUST_CHECK;
/* Any scalar, as it was written. */
enum weft_status weft_value_read_text(const struct weft_config_reader *reader, const struct weft_node *node,
                                      char **out_text) WEFT_MUST_CHECK;
enum weft_status weft_value_read_strings(const struct weft_config_reader *reader, const struct weft_node *node,
                                         struct weft_config_strings *out_strings) WEFT_MUST_CHECK;
enum weft_status weft_value_read_map(const struct weft_config_reader *reader, const struct weft_node *node,
                                     bool takes_numbers, struct weft_config_map *out_map) WEFT_MUST_CHECK;

/* The map form or the list form [{name:, value:}]; marks the value nodes as secret. */
enum weft_status weft_value_read_secret_map(const struct weft_config_reader *reader, const struct weft_node *node,
                                            struct weft_secret_map *out_map) WEFT_MUST_CHECK;

void weft_value_fini_strings(struct weft_config_strings *strings);
void weft_value_fini_map(struct weft_config_map *map);

/* True for a key that is not there and for a plain null: both mean the default. */
static inline bool weft_value_is_absent(const struct weft_node *node)
{
    return node == NULL || (weft_node_kind(node) == WEFT_NODE_NULL && !weft_node_is_expanded(node));
}

/* Checks what a NO_EFFECT row says of its key and notes that the key was set. */
enum weft_status weft_value_check_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                            const struct weft_node *node) WEFT_MUST_CHECK;

/* Notes that the key was set, for nothing. */
enum weft_status weft_value_note_no_effect(const struct weft_config_reader *reader, const struct weft_field *field,
                                           const struct weft_node *node) WEFT_MUST_CHECK;

/* The field's minimum and maximum. */
enum weft_status weft_value_check_range(const struct weft_config_reader *reader, const struct weft_field *field,
                                        const struct weft_node *node, double value) WEFT_MUST_CHECK;
