#pragma once

#include "base/utf8.h"
#include "ottl/path.h"
#include "ottl/run.h"

/* Writing through paths: what statements do to the record that a run looks at. Nothing of the wire changes; see
 * record.h.
 *
 * What is put becomes part of the record: it must be the caller's own (weft_ottl_value_own), and is not to be changed
 * elsewhere afterwards. */

/* A value of which nobody else has a part that could change: open maps and lists are copied, texts that are no UTF-8
 * are repaired, since OTLP has no others. WEFT_INVALID with run->error: nested too deep; WEFT_NOMEM. */
enum weft_status weft_ottl_value_own(struct weft_ottl_run *run, const struct weft_ottl_value *value,
                                     struct weft_ottl_value *out_own) WEFT_MUST_CHECK;

/* The same in place; most values are one's own as they are. */
static inline enum weft_status weft_ottl_value_make_own(struct weft_ottl_run *run, struct weft_ottl_value *value)
{
    bool is_own = value->kind == WEFT_OTTL_STRING
                      ? weft_utf8_is_ascii(value->bytes.bytes, value->bytes.bytes + value->bytes.length)
                      : value->kind < WEFT_OTTL_STRING;
    return is_own ? WEFT_OK : weft_ottl_value_own(run, value, value);
}

/* WEFT_INVALID with run->error: it takes no such value, or cannot be set. A map on the way to the value may have gained
 * an empty member then, as in the Collector. */
enum weft_status weft_ottl_path_put(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    const struct weft_ottl_value *value) WEFT_MUST_CHECK;

/* The same of a value that the statement says, which can be stored. constant: the attribute that it makes, encoded
 * behind its tag, if the path stands for an attribute in a slot. */
enum weft_status weft_ottl_path_put_constant(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value,
                                             const struct weft_slice *constant) WEFT_MUST_CHECK;

/* The attribute that a path stands for is gone, if it was there. False: it is not in a slot that can be changed. */
bool weft_ottl_path_remove_slot(struct weft_ottl_run *run, const struct weft_ottl_path *path);

/* The map that a path stands for, open for changes, which count when it is put again. *out_map is as it was read,
 * for who looks before he changes. WEFT_INVALID with run->error: it is none. */
enum weft_status weft_ottl_path_map(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                    struct weft_ottl_value *out_map) WEFT_MUST_CHECK;
struct weft_ottl_map *weft_ottl_map_to_change(struct weft_ottl_run *run, const struct weft_ottl_value *map);

/* path_write_special.c: the `write` of rows. */
enum weft_status weft_ottl_write_trace_state(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_kind_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_kind_old_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                               const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_body(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                      const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_body_text(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_metric_type(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_temporality(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                             const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_monotonic(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                           const struct weft_ottl_value *value);
enum weft_status weft_ottl_write_point(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                       const struct weft_ottl_value *value);

/* For these: the value must be of that kind. */
enum weft_status weft_ottl_path_expect(struct weft_ottl_run *run, const struct weft_ottl_path *path,
                                       const struct weft_ottl_value *value, enum weft_ottl_kind kind) WEFT_MUST_CHECK;

/* Puts value where keys lead from *in_out_value, which is opened on the way; what is not there is made. */
enum weft_status weft_ottl_value_put_under(struct weft_ottl_run *run, struct weft_ottl_value *in_out_value,
                                           const struct weft_ottl_key *keys, size_t key_count,
                                           const struct weft_ottl_value *value) WEFT_MUST_CHECK;
