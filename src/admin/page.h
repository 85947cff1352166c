#pragma once

#include "admin/gather.h"
#include "net/http1/routes.h"

/* What the admin server's pages share: a page says what has to be gathered, and writes its body from that. */
struct weft_admin_visit;

enum {
    WEFT_PAGE_OK = 200,
    WEFT_PAGE_AGAIN = 0, /* what was gathered does not answer; it asks for something else now: gather once more */
};

struct weft_admin_page {
    const char *content_type;

    /* Prepares the gather: word is what stands behind the path, query the raw query. Returns 200, or the code of an
     * error that it has written to out. NULL = nothing to prepare. */
    int (*begin)(struct weft_admin_visit *visit, struct weft_slice word, struct weft_slice query,
                 struct weft_gather *gather, struct weft_buffer *out);

    /* Writes the body and returns the HTTP code. gather is NULL where none was wanted. */
    int (*write)(struct weft_admin_visit *visit, struct weft_gather *gather, struct weft_buffer *out);

    bool wants_samples, wants_checks, may_audit;
};

/* One request that waits for its gather. */
struct weft_admin_visit {
    struct weft_telemetry_server *server;
    struct weft_http1_server_exchange *exchange;
    const struct weft_admin_page *page;
    bool wants_text;
    struct weft_ledger_snapshot before; /* of an audit: taken before the workers were asked */
    bool is_second;                     /* after WEFT_PAGE_AGAIN */
    unsigned groups;                    /* of /v1/drops */
    struct weft_wall started;           /* this process */
};

extern const struct weft_admin_page weft_trace_page, weft_drops_page;

/* The value of the last parameter of that name in a raw query, still encoded. False: there is none. */
bool weft_admin_query_find(struct weft_slice query, const char *name, struct weft_slice *out_value);

/* Percent-encoding taken off; the text is terminated. False: malformed, longer than capacity - 1, or with a zero byte.
 */
bool weft_admin_percent_decode(struct weft_slice text, char *out_text, size_t capacity);
