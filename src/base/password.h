#pragma once

#include "base/slice.h"
#include "base/status.h"

/* Passwords as htpasswd files keep them: bcrypt ($2a$, $2b$, $2x$, $2y$), MD5 ($apr1$, $1$), SHA-crypt ($5$, $6$),
 * {SHA}, {SSHA}, and plain text. */

enum { WEFT_PASSWORD_MAX_BYTES = 1024 }; /* a longer one matches nothing */

/* Whether the kept form is well-formed. Plain text is whatever no other form begins like. */
bool weft_password_is_valid(const char *kept);

/* Whether a comparison is meant to take its time: milliseconds and more, on a helper's thread. */
bool weft_password_is_slow(const char *kept);

/* Any thread. */
bool weft_password_matches(const char *kept, struct weft_slice password);

/* In a time that tells nothing but the lengths. */
bool weft_secret_equal(struct weft_slice left, struct weft_slice right);
