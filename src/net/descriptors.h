#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* The process's file descriptors, of which clients get all but a few: those are kept back for files, for a reload and
 * for connections to backends. The system gives the lowest number that is free, so a number says how many are in use
 * at least, and nothing needs to be counted. Any thread. */

/* Reads the limit. Before it, or where there is none, nobody is short. */
void weft_descriptors_init(void);

/* WEFT_LIMIT with the limit that would do: there are not so many to be had now. */
enum weft_status weft_descriptors_want(uint32_t count, struct weft_error *error) WEFT_MUST_CHECK;

/* For tests. 0 = none. */
void weft_descriptors_set_limit(uint64_t limit);

/* Whether this one is of those that are kept back: who accepted it must end another connection, or this one. */
bool weft_descriptors_is_kept_back(int descriptor);

/* A client came for whom there is none: counts and logs it. */
void weft_descriptors_note_short(void);

/* The same with a lower number, if there is one by now. */
int weft_descriptors_lower(int descriptor);

uint64_t weft_descriptors_short_count(void);
