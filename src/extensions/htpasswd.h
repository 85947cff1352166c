#pragma once

#include "base/buffer.h"
#include "base/status.h"

/* Users and their passwords as kept, in the form of Apache's htpasswd: "name:kept" a line. Lines that are not so are
 * passed over, as in the Collector; of two with one name the later counts. */
struct weft_htpasswd_user {
    const char *name;
    const char *kept; /* for base/password.h */
};

struct weft_htpasswd {
    struct weft_htpasswd_user *users; /* in the order of their names */
    size_t count;
    struct weft_buffer text; /* that they point into */
};

/* file comes first, then more. All zero is an empty table. WEFT_NOMEM. */
enum weft_status weft_htpasswd_read(struct weft_slice file, struct weft_slice more, struct weft_htpasswd *out_table,
                                    struct weft_error *error) WEFT_MUST_CHECK;

/* Tells of each line that is passed over, but for empty ones and comments (#), and why; lines count from 1. Returns how
 * many users there are. */
typedef void (*weft_htpasswd_line_fn)(void *context, size_t line, const char *why);
size_t weft_htpasswd_review(struct weft_slice text, weft_htpasswd_line_fn on_passed_over, void *context);

void weft_htpasswd_fini(struct weft_htpasswd *table);

/* NULL: nobody of that name. */
const char *weft_htpasswd_find(const struct weft_htpasswd *table, struct weft_slice name);
