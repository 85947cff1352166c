#pragma once

#include "base/buffer.h"

/* What the commands that ask a running agent share: which agent, the asking, and text that may come from records. */
struct weft_cli_agent {
    const char *program;         /* "weft trace", for messages */
    const char *state_directory; /* NULL = there is none */
    const char *endpoint;        /* a socket's path or host:port; NULL = admin.sock in the state directory */
};

/* systemd's StateDirectory=, else the usual place if it can be used, else NULL: what the agent does without
 * --state-dir. */
const char *weft_cli_state_directory(void);

/* One GET. False after a message: the agent cannot be asked. */
bool weft_cli_ask(const struct weft_cli_agent *agent, const char *target, int *out_code, struct weft_buffer *out_body);

/* Says what an error answer of the agent's says. */
void weft_cli_print_refusal(const struct weft_cli_agent *agent, int code, struct weft_slice body);

/* Appends a word to a target, percent-encoded. */
void weft_cli_append_encoded(struct weft_buffer *target, const char *word);

/* A JSON value as text for a terminal: strings without quotes; what could steer a terminal becomes '?'. At most
 * max_bytes. */
void weft_cli_append_value(struct weft_buffer *out, struct weft_slice value, size_t max_bytes);

/* The same, padded to a width on the right. */
void weft_cli_append_padded(struct weft_buffer *out, struct weft_slice value, size_t width);
