/* Liveness and readiness (health.h), in the shapes of the platform's observability page. */
#include "admin/health.h"

int weft_health_write_live(struct weft_buffer *out)
{
    weft_buffer_append_text(out, "{\"status\":\"ok\"}");
    return 200;
}

static bool is_all_ok(const struct weft_health_facts *facts)
{
    for (size_t i = 0; i < facts->check_count; i++) {
        if (facts->checks[i].failure != NULL) {
            return false;
        }
    }
    return facts->is_accepting;
}

int weft_health_write_ready(const struct weft_health_facts *facts, struct weft_buffer *out)
{
    weft_buffer_append_format(out, "{\"status\":\"%s\",\"checks\":{", is_all_ok(facts) ? "ok" : "degraded");
    for (size_t i = 0; i < facts->check_count; i++) {
        const struct weft_health_check *check = &facts->checks[i];
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        weft_buffer_append_json_string(out, weft_slice_of_text(check->name));
        weft_buffer_append_byte(out, ':');
        weft_buffer_append_json_string(out, weft_slice_of_text(check->failure == NULL ? "ok" : check->failure));
    }
    weft_buffer_append_text(out, "},\"version\":");
    weft_buffer_append_json_string(out, weft_slice_of_text(facts->version));
    weft_buffer_append_byte(out, '}');
    return facts->is_accepting ? 200 : 503;
}
