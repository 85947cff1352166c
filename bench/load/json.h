#pragma once

#include <stdint.h>

#include "lib/bytes.h"
#include "load/template.h"

/* Where the changing text of one span lies, as offsets in the request. */
struct json_span {
    uint32_t trace_id;
    uint32_t span_id;
    uint32_t parent_span_id; /* 0 = a root span */
    uint32_t start_time;
    uint32_t end_time;
};

/* The OTLP/JSON of a template's request. */
struct json_template {
    struct bench_bytes text;
    struct json_span *spans;
    uint32_t span_count;
};

struct json_template json_build(const struct template *made);
void json_free(struct json_template *json);

/* Writes the ids and times of request, which template_patch has patched, into text, which is a copy of json->text. */
void json_patch(const struct json_template *json, uint8_t *text, const struct template *made, const uint8_t *request);
