#pragma once

#include "processors/redaction_walk.h"
#include "wire/rewrite.h"

/* What redaction_walk.c finds in attributes and bodies. New contents are appended to redactor->out; true says that
 * there are any. */
bool weft_redactor_value(struct weft_redactor *redactor, struct weft_slice any_value);

/* The values of a KeyValue whose key says nothing about them. */
bool weft_redactor_inner_values(struct weft_redactor *redactor, struct weft_slice key_value);

/* In the place of the field, a KeyValue: the same with a mask for each line of its text, if it is one. */
void weft_redactor_mask_key_value(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                                  const struct weft_wire_field *field, struct weft_slice text);

/* A KeyValue whose key is masked where a rule for values matches in it, if the scope is all. */
struct weft_redaction_renaming {
    struct weft_wire_field field; /* where it stood, with the contents that it has now */
    struct weft_slice key;
};

/* False: the key stays, and nothing is written. What is written lasts as long as the batch. */
bool weft_redactor_rename_key(struct weft_redactor *redactor, const struct weft_wire_field *field,
                              struct weft_redaction_renaming *out_renaming);

static inline bool weft_redactor_rename(struct weft_redactor *redactor, const struct weft_wire_field *field,
                                        struct weft_redaction_renaming *out_renaming)
{
    return redactor->matcher.rules->scope == WEFT_REDACTION_ALL &&
           weft_redactor_rename_key(redactor, field, out_renaming);
}

/* Puts it in its place if nothing else did. */
void weft_redactor_put_renamed(struct weft_redactor *redactor, struct weft_rewriting *rewriting,
                               const struct weft_redaction_renaming *renaming);

/* Writes a span, its attributes redacted already, with a sanitized name behind what is in out. False if its name
 * stays. */
bool weft_redactor_sanitize_name(struct weft_redactor *redactor, struct weft_slice span);

/* A value as text; borrowed until the next call. */
struct weft_slice weft_redactor_text_of(struct weft_redactor *redactor, const struct weft_otlp_value *value);

/* The name of what is looked at. Returns what leave takes. */
size_t weft_redactor_enter_key(struct weft_redactor *redactor, struct weft_slice key);
void weft_redactor_leave(struct weft_redactor *redactor, size_t length);

/* Something was done to what is looked at. */
void weft_redactor_note(struct weft_redactor *redactor, enum weft_redaction_note kind);
