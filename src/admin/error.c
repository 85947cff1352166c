/* The body of an error answer (error.h), in the shape of the platform's observability page. Pure. */
#include "admin/error.h"

static void append_member(struct weft_buffer *out, const char *key, const char *text)
{
    if (text != NULL) {
        weft_buffer_append_format(out, ",\"%s\":", key);
        weft_buffer_append_json_string(out, weft_slice_of_text(text));
    }
}

void weft_admin_error_write(const struct weft_admin_error *error, struct weft_buffer *out)
{
    weft_buffer_append_text(out, "{\"error\":{\"code\":");
    weft_buffer_append_json_string(out, weft_slice_of_text(error->code));
    append_member(out, "message", error->message);
    append_member(out, "request_id", error->request_id);
    append_member(out, "trace_id", error->trace_id);
    weft_buffer_append_text(out, ",\"details\":{");
    for (size_t i = 0; i < error->detail_count; i++) {
        weft_buffer_append_text(out, i == 0 ? "" : ",");
        weft_buffer_append_json_string(out, weft_slice_of_text(error->details[i].key));
        weft_buffer_append_byte(out, ':');
        weft_buffer_append_json_string(out, error->details[i].value);
    }
    weft_buffer_append_byte(out, '}');
    append_member(out, "help", error->help);
    weft_buffer_append_text(out, "}}");
}
