#pragma once

#include "net/http1/client.h"
#include "pipeline/sender.h"

/* What the end of an OTLP/HTTP request means for the records in it (OTLP 1.x, "OTLP/HTTP Response"). */
struct weft_otlp_http_answer {
    struct weft_push_outcome outcome;
    char message[300]; /* SENT: of partial_success, cut; "" if there is none */
};

/* id: for the error's text. now: for a Retry-After that is a date. */
void weft_otlp_http_judge(const struct weft_http1_client_result *result, const char *id, struct weft_wall now,
                          struct weft_otlp_http_answer *out_answer);
