#pragma once

#include "base/buffer.h"

/* What weft says about itself, written from a struct of facts: pure, so that whoever knows the facts (the worker) and
 * whoever serves them (the telemetry server) need not know each other. All of it is JSON. */
struct weft_health_check {
    const char *name;    /* "exporter otlp/backend" */
    const char *failure; /* NULL = ok */
};

struct weft_health_facts {
    const struct weft_health_check *checks;
    size_t check_count;
    bool is_accepting; /* receivers take requests; a backend that is down degrades weft, it does not close it */
    const char *version;
};

/* GET /health: alive. Returns the HTTP code. */
int weft_health_write_live(struct weft_buffer *out);

/* GET /ready: 200 while weft can accept, degraded or not; 503 only when it cannot. Returns the HTTP code. */
int weft_health_write_ready(const struct weft_health_facts *facts, struct weft_buffer *out);
