#pragma once

#include <getopt.h>

#include "base/buffer.h"

/* What the commands that ask a running agent share: which agent, the asking, and text that may come from records. */
struct weft_cli_agent {
    const char *program;         /* "weft trace", for messages */
    const char *state_directory; /* NULL = there is none */
    const char *endpoint;  /* a socket's path (it has a '/') or host:port; NULL = admin.sock in the state directory */
    bool wants_json;       /* the answer is printed as it came */
    bool asks_socket_only; /* the telemetry port has no answer to this */
};

/* The options that say so, for getopt_long; a command's own begin with WEFT_CLI_OPTION_OWN. */
enum { WEFT_CLI_OPTION_JSON = 256, WEFT_CLI_OPTION_STATE, WEFT_CLI_OPTION_ENDPOINT, WEFT_CLI_OPTION_OWN };

#define WEFT_CLI_AGENT_OPTIONS                                           \
    { "json", no_argument, NULL, WEFT_CLI_OPTION_JSON },                 \
        { "state-dir", required_argument, NULL, WEFT_CLI_OPTION_STATE }, \
    {                                                                    \
        "endpoint", required_argument, NULL, WEFT_CLI_OPTION_ENDPOINT    \
    }

/* One of them, with its argument; false: it is another one. */
bool weft_cli_take_agent_option(struct weft_cli_agent *agent, int letter, const char *argument);

/* systemd's StateDirectory=, else the usual place if it can be used, else NULL: what the agent does without
 * --state-dir. */
const char *weft_cli_state_directory(void);

enum { WEFT_CLI_CANNOT_BE_ASKED = 2 }; /* exit status */

/* What a command asks, and what it makes of the answer. */
struct weft_cli_question {
    const char *target;                                                    /* of the GET */
    int (*exit_status_of)(int code, struct weft_slice answer);             /* < 0: it is an error of the agent's */
    void (*write_text)(struct weft_slice answer, struct weft_buffer *out); /* for people; NULL: as it came */
};

/* One GET; prints the answer, or on standard error why there is none. Returns the exit status. */
int weft_cli_ask(const struct weft_cli_agent *agent, const struct weft_cli_question *question);

/* A word percent-encoded, for a target; the caller's to free. */
char *weft_cli_encode(const char *word);

/* A JSON value as text for a terminal: strings without quotes; what could steer a terminal becomes '?'. At most
 * max_bytes. */
void weft_cli_append_value(struct weft_buffer *out, struct weft_slice value, size_t max_bytes);

/* How many columns of a terminal a short value takes so: characters, not bytes. */
size_t weft_cli_text_columns(struct weft_slice value);

/* The same, padded to a width on the right. */
void weft_cli_append_padded(struct weft_buffer *out, struct weft_slice value, size_t width);
