#pragma once

#include "exporters/debug_write.h"

/* Profiles in debug's texts: their values are numbers that lead into tables of the request's dictionary, which are made
 * out once for each request. Numbers that lead nowhere are said to. One short number may lead to a long text, again and
 * again: what is written is bounded by the request's own length, and ends in "...". */

/* 4 bytes for each string and attribute, in the table's arena. WEFT_NOMEM. */
enum weft_status weft_debug_dictionary_read(const struct weft_otlp_table *table,
                                            struct weft_debug_dictionary *out_dictionary) WEFT_MUST_CHECK;

/* `verbosity: normal`: a line. */
void weft_debug_put_profile_line(struct weft_debug_writer *writer, struct weft_slice profile);

/* `verbosity: detailed`: the dictionary, before everything else, and a profile. */
void weft_debug_put_dictionary(struct weft_debug_writer *writer);
void weft_debug_put_profile(struct weft_debug_writer *writer, uint32_t number, struct weft_slice profile);
