/* Converters that write values into texts. */
#include "ottl/functions.h"
#include "ottl/functions_give.h"
#include "ottl/text_printf.h"
#include "wire/otlp_text.h"

/* What values are made of goes through the run's scratch, so that the text needs a place of its own. */
static enum weft_status give_text(struct weft_ottl_run *run, struct weft_buffer *text, enum weft_status status,
                                  struct weft_ottl_value *out_value)
{
    struct weft_buffer *scratch = weft_ottl_scratch(run);
    weft_buffer_append(scratch, text->bytes, text->length);
    bool is_failed = weft_buffer_status(text) != WEFT_OK;
    weft_buffer_fini(text);
    if (status != WEFT_OK) {
        return status;
    }
    return is_failed ? WEFT_NOMEM : weft_ottl_give_scratch(run, out_value);
}

static enum weft_status format(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                               struct weft_ottl_value *out_value)
{
    struct weft_buffer text = { .max_length = WEFT_ENTRY_MEMORY_MAX_BYTES };
    enum weft_status status = weft_ottl_put_format(run, call->arguments[0].bytes, call->arguments[1].list, &text);
    return give_text(run, &text, status, out_value);
}

/* ---- ToKeyValueString ---- */

static enum weft_status make_pairs(struct weft_ottl_maker *maker, const struct weft_ottl_call *call, void **out_state,
                                   struct weft_error *error)
{
    (void)maker;
    (void)out_state;
    struct weft_slice delimiter = weft_ottl_text_or(call, 1, "=");
    struct weft_slice pair_delimiter = weft_ottl_text_or(call, 2, " ");
    if (delimiter.length == 0 || pair_delimiter.length == 0 || weft_slice_equal(delimiter, pair_delimiter)) {
        return weft_fail(error, WEFT_INVALID, "ToKeyValueString: two delimiters that differ are needed");
    }
    return WEFT_OK;
}

static bool has_text(struct weft_slice text, struct weft_slice wanted)
{
    return text.length >= wanted.length && memmem(text.bytes, text.length, wanted.bytes, wanted.length) != NULL;
}

/* In quotes if it has a delimiter; quotes in it are escaped. */
static void put_part(struct weft_buffer *out, const struct weft_ottl_call *call, struct weft_slice part)
{
    bool is_quoted = has_text(part, weft_ottl_text_or(call, 1, "=")) || has_text(part, weft_ottl_text_or(call, 2, " "));
    weft_buffer_append_text(out, is_quoted ? "\"" : "");
    for (size_t i = 0; i < part.length; i++) {
        weft_buffer_append_text(out, part.bytes[i] == '"' ? "\\" : "");
        weft_buffer_append_byte(out, part.bytes[i]);
    }
    weft_buffer_append_text(out, is_quoted ? "\"" : "");
}

static enum weft_status put_pair(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                 const struct weft_ottl_member *member, struct weft_buffer *out)
{
    struct weft_slice text;
    struct weft_slice delimiter = weft_ottl_text_or(call, 1, "=");
    struct weft_slice pair_delimiter = weft_ottl_text_or(call, 2, " ");
    enum weft_status status = weft_ottl_value_text(run, &member->value, &text);
    if (status != WEFT_OK) {
        return status;
    }
    weft_buffer_append(out, pair_delimiter.bytes, out->length == 0 ? 0 : pair_delimiter.length);
    put_part(out, call, member->key);
    weft_buffer_append(out, delimiter.bytes, delimiter.length);
    put_part(out, call, text);
    return WEFT_OK;
}

static enum weft_status to_key_value_string(struct weft_ottl_run *run, const struct weft_ottl_call *call,
                                            struct weft_ottl_value *out_value)
{
    struct weft_buffer text = { 0 };
    struct weft_ottl_map *map = weft_ottl_map_open(&run->memory, &call->arguments[0]);
    if (map == NULL) {
        return WEFT_NOMEM;
    }
    struct weft_otlp_named *order = weft_ottl_run_take(run, map->count * sizeof *order + 1);
    enum weft_status status = order == NULL ? WEFT_NOMEM : WEFT_OK;
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        order[i] = (struct weft_otlp_named){ .name = map->members[i].key, .contents = { NULL, i } };
    }
    if (status == WEFT_OK && weft_ottl_is_given(call, 3) && call->arguments[3].boolean) {
        weft_otlp_sort_named(order, map->count);
    }
    for (size_t i = 0; status == WEFT_OK && i < map->count; i++) {
        status = put_pair(run, call, &map->members[order[i].contents.length], &text);
    }
    return give_text(run, &text, status, out_value);
}

const struct weft_ottl_function weft_ottl_functions_format[] = {
    { .name = "Format",
      .parameters = { { "format", WEFT_OTTL_TAKES_LITERAL_STRING }, { "vals", WEFT_OTTL_TAKES_ANY, .is_list = true } },
      .call = format },
    { .name = "ToKeyValueString",
      .parameters = { { "target", WEFT_OTTL_TAKES_MAP },
                      { "delimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "pairDelimiter", WEFT_OTTL_TAKES_LITERAL_STRING, .is_optional = true },
                      { "sortOutput", WEFT_OTTL_TAKES_LITERAL_BOOL, .is_optional = true } },
      .make = make_pairs,
      .call = to_key_value_string },
    { .name = NULL },
};
