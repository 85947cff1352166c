#pragma once

/* A config struct with a member of every kind, for the tests and the fuzzer of the field tables. */
#include "config/field.h"

struct every_item {
    struct weft_position position;
    char *name;
    int64_t weight;
};

struct every_client {
    char *endpoint;
    struct weft_secret token;
};

struct every_block {
    bool flag;
    struct weft_duration interval;
};

struct every_queue {
    bool enabled;
    uint64_t size;
};

struct every_kind {
    struct weft_config_map tags;
    uint64_t unused;
    struct weft_position position;
    bool flag;
    int64_t integer;
    uint64_t natural;
    double real;
    char *text;
    char *text_or_null;
    struct weft_secret password;
    struct weft_duration timeout;
    struct weft_config_strings words;
    struct weft_config_map labels;
    struct weft_secret_map headers;
    struct weft_config_any value;
    struct weft_choice mode;
    struct every_block block;
    bool has_retry;
    struct every_block retry;
    bool has_queue;
    struct every_queue queue;
    bool has_guard;
    struct every_block guard;
    struct weft_config_list items;
    struct every_client client;
};

static const char *const every_modes[] = { "basic", "normal", "detailed", NULL };

static const struct weft_field every_item_fields[] = {
    WEFT_FIELD_POSITION(struct every_item, position),
    WEFT_FIELD(struct every_item, name, NULL, "The name.", .is_required = true),
    WEFT_FIELD(struct every_item, weight, "1", "The weight.", .minimum = 1),
    WEFT_FIELDS_END,
};

static const struct weft_field every_client_fields[] = {
    WEFT_FIELD(struct every_client, endpoint, "localhost:4317", "Where to."),
    WEFT_FIELD(struct every_client, token, NULL, "The token."),
    WEFT_FIELDS_END,
};

static const struct weft_field every_block_fields[] = {
    WEFT_FIELD(struct every_block, flag, "true", "A flag | with a bar."),
    WEFT_FIELD(struct every_block, interval, "5s", "An interval."),
    WEFT_FIELDS_END,
};

static const struct weft_field every_queue_fields[] = {
    WEFT_FIELD(struct every_queue, enabled, "true", "Its own enabled key."),
    WEFT_FIELD(struct every_queue, size, "1000", "Its size."),
    WEFT_FIELDS_END,
};

static const struct weft_field every_former_item_fields[] = {
    WEFT_FIELD_NO_EFFECT("wait", "duration", "a wait"),
    WEFT_FIELDS_END,
};

static const struct weft_field every_former_fields[] = {
    WEFT_FIELD_NO_EFFECT("count", "uint", "a count", .maximum = 8),
    WEFT_FIELD_NO_EFFECT_CHOICE("sort", "a sort", "a", "b"),
    WEFT_FIELD_NO_EFFECT("names", "strings", "names"),
    WEFT_FIELD_NO_EFFECT("list", "list", "a list", .fields = every_former_item_fields),
    WEFT_FIELD_NO_EFFECT("share", "double", "a share"),
    WEFT_FIELDS_END,
};

static const struct weft_field every_fields[] = {
    WEFT_FIELD_POSITION(struct every_kind, position),
    WEFT_FIELD(struct every_kind, flag, "true", "A flag."),
    WEFT_FIELD(struct every_kind, integer, "-5", "An int.", .minimum = -10, .maximum = 1000),
    WEFT_FIELD(struct every_kind, natural, "0x10", "A natural."),
    WEFT_FIELD(struct every_kind, real, "0.5", "A double.", .minimum = 0, .maximum = 1),
    WEFT_FIELD(struct every_kind, text, "null", "A text."),
    WEFT_FIELD(struct every_kind, text_or_null, NULL, "A text or nothing."),
    WEFT_FIELD(struct every_kind, password, NULL, "A secret."),
    WEFT_FIELD(struct every_kind, timeout, "1m30s", "A timeout.", .minimum = 0, .maximum = 3600),
    WEFT_FIELD(struct every_kind, words, "[a, b]", "Words."),
    WEFT_FIELD(struct every_kind, labels, "{k: v}", "Labels.", .takes_numbers = true),
    WEFT_FIELD(struct every_kind, tags, NULL, "Tags."),
    WEFT_FIELD(struct every_kind, headers, NULL, "Headers."),
    WEFT_FIELD(struct every_kind, value, NULL, "Any value."),
    WEFT_FIELD_CHOICE(struct every_kind, mode, every_modes, "normal", "A mode."),
    WEFT_FIELD_BLOCK(struct every_kind, block, every_block_fields, "A block."),
    WEFT_FIELD_OPTIONAL(struct every_kind, retry, has_retry, every_block_fields, "off", "Retry."),
    WEFT_FIELD_OPTIONAL(struct every_kind, queue, has_queue, every_queue_fields, "on", "Queue."),
    WEFT_FIELD_OPTIONAL(struct every_kind, guard, has_guard, every_block_fields, "off", "Guard.",
                        .is_off_as_null = true),
    WEFT_FIELD_LIST(struct every_kind, items, struct every_item, every_item_fields, "Items."),
    WEFT_FIELD_INLINE(struct every_kind, client, every_client_fields),
    WEFT_FIELD_NO_EFFECT("read_buffer_size", "int", "the kernel sizes its buffers"),
    WEFT_FIELD_NO_EFFECT("idle_timeout", "duration", "connections stay open"),
    WEFT_FIELD_NO_EFFECT("cookies", "any", "no cookies"),
    WEFT_FIELD_NO_EFFECT("keep_alive", "bool", "always on"),
    WEFT_FIELD_NO_EFFECT("former", "map", "of former days", .fields = every_former_fields),
    WEFT_FIELD(struct every_kind, unused, "3", "for a rule alone", .has_no_effect = true),
    WEFT_FIELD_UNSUPPORTED("tpm", "Keys in a TPM."),
    WEFT_FIELDS_END,
};
