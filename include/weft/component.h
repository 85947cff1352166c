#pragma once

/* The component contract: what a receiver, processor, exporter or extension is, and what it gets.
 *
 * A component is one file that ends with a `const struct weft_component weft_<kind>_<type>` and one line in
 * src/components.def. Its life:
 *
 *   config   the field table parses the YAML block, once per process; validate checks what spans several keys
 *   share    once per process: what workers have in common (listening sockets, TLS contexts, shared limits)
 *   create   once per worker (and per signal or pipeline): an instance, on that worker's thread
 *   drain    no more input; what is held is passed on or sent
 *   free     holds nothing any more
 *
 * Everything an instance touches belongs to its worker: no locks. See CONTRIBUTING.md for a walk through adding one. */

#include "config/field.h"
#include "config/named_keys.h"
#include "config/service.h"
#include "pipeline/authenticator.h"
#include "pipeline/consumer.h"
#include "pipeline/entry.h"
#include "pipeline/listener.h"
#include "pipeline/question.h"
#include "pipeline/samples.h"
#include "pipeline/stage.h"
#include "wire/signal.h"

enum {
    WEFT_SIGNAL_BIT_TRACES = 1u << WEFT_TRACES,
    WEFT_SIGNAL_BIT_METRICS = 1u << WEFT_METRICS,
    WEFT_SIGNAL_BIT_LOGS = 1u << WEFT_LOGS,
    WEFT_SIGNAL_BIT_PROFILES = 1u << WEFT_PROFILES, /* whoever takes them leaves requests as they came */
};

/* A receiver's instance on one worker. Embedded first in each kind. */
struct weft_receiver;

struct weft_receiver_operations {
    /* Where requests of this signal go from now on; NULL = nowhere (the signal is not in any pipeline). */
    void (*set_entry)(struct weft_receiver *receiver, enum weft_signal signal, struct weft_entry *entry);

    /* Takes over a socket accepted on one of the shared listeners. NULL: the receiver listens to nothing. */
    void (*adopt)(struct weft_receiver *receiver, size_t listener_index, int descriptor);

    /* The entry's openness has changed (weft_entry_is_open). Called from within a consumer: what waits is offered in a
     * tick of its own, not here. */
    void (*on_pressure)(struct weft_receiver *receiver);

    /* Stops receiving; requests under way are answered. weft_receiver_is_drained tells when nothing is left. */
    void (*drain)(struct weft_receiver *receiver);
    bool (*is_drained)(const struct weft_receiver *receiver);

    /* Closes what is left. */
    void (*free)(struct weft_receiver *receiver);

    /* Connections open now: the acceptor balances by it. NULL = 0. */
    size_t (*connection_count)(const struct weft_receiver *receiver);

    void (*collect)(const struct weft_receiver *receiver, struct weft_samples *samples);
};

struct weft_receiver {
    const struct weft_receiver_operations *operations;
    struct weft_host *host;
    const char *id;
};

/* First member of what share returns, of a receiver or of an exporter that has_listeners: what the acceptor watches for
 * a receiver, and what no other one of a plan may listen on. Opened in share and closed in unshare by
 * weft_listener_open and _close; the agent closes them sooner when the receiver is taken out. */
struct weft_shared_listeners {
    struct weft_listener *items;
    size_t count;
};

/* What the agent tells of what runs: the pipelines in the config's order, after each what it consists of, in this
 * order; then the extensions. */
enum weft_agent_part {
    WEFT_PART_EXTENSION,
    WEFT_PART_PIPELINE,
    WEFT_PART_RECEIVER,
    WEFT_PART_PROCESSOR,
    WEFT_PART_EXPORTER,
};

typedef void (*weft_agent_part_fn)(void *context, enum weft_agent_part part, const char *id);

/* What extensions may know of the agent (worker 0 only). */
struct weft_agent_view {
    void *agent;
    bool (*can_accept)(void *agent);
    void (*tell)(void *agent, weft_agent_part_fn on_part, void *context);
    struct weft_wall started;
    unsigned gates; /* that are open (config/gates.h) */
};

/* What an instance is made of. Strings and config outlive the instance. */
struct weft_instance_setup {
    struct weft_host *host;
    const char *id;
    const void *config;
    void *shared;
    enum weft_signal signal;              /* processors, exporters */
    const struct weft_account *in_flight; /* processors: of their pipeline; strings outlive the instance */
    struct weft_consumer *next;           /* processors: what they feed */
    const struct weft_agent_view *agent;  /* extensions */
    struct weft_stage_identity *stage;    /* stages; outlives the core */
    struct weft_authenticator *authenticators[WEFT_AUTH_NEEDS_MAX]; /* by auth_needs; outlive the instance */
};

/* Where the other end of a receiver or an exporter may be. */
enum weft_reach {
    WEFT_REACH_MACHINE, /* on this machine: loopback, a unix socket, a file */
    WEFT_REACH_NODE,    /* here, and this machine is a node of several: the log files of its pods */
    WEFT_REACH_NETWORK, /* anywhere */
};

/* What is lost of what a component holds when the process crashes. */
enum weft_holding {
    WEFT_HOLDS_NOTHING,
    WEFT_HOLDS_UNANSWERED, /* its client waits for the answer, and would send it again */
    WEFT_HOLDS_ANSWERED,   /* its client has been answered, unless the receiver waits for the backend's answer */
    WEFT_HOLDS_ONLY_COPY,  /* there is no client, or none that could send it again */
    WEFT_HOLDS_LAST_VALUE, /* what it shows: the next value of the same thing takes its place */
};

/* One pipeline that names a component. */
struct weft_use {
    const char *pipeline;
    enum weft_signal signal;
};

enum { WEFT_CHECK_BYTES = 200 };

struct weft_extension {
    void (*free)(struct weft_extension *extension);
};

struct weft_component {
    enum weft_component_kind kind;
    const char *type;           /* the current name */
    const char *const *aliases; /* other names that are accepted, ended by NULL; or NULL */
    unsigned signals;           /* OR of WEFT_SIGNAL_BIT_*; extensions: 0 */
    const char *help;           /* one sentence */
    const struct weft_field *fields;
    size_t config_size;

    /* Rules that span several keys. NULL = none. */
    enum weft_status (*validate)(const void *config, struct weft_error *error);

    /* All errors of a config that is not valid, where there may be several: they are added to notes. config: NULL if it
     * could not even be parsed. WEFT_NOMEM. NULL = the first is enough. */
    enum weft_status (*tell_errors)(const void *config, const struct weft_node *node, struct weft_config_notes *notes);

    /* Warns of what is valid and probably not meant; node: the config as it was written. WEFT_NOMEM. NULL = nothing to
     * say. */
    enum weft_status (*advise)(const void *config, const struct weft_node *node, struct weft_config_notes *notes);

    /* Processors: warns of what has no effect on this signal, for a pipeline that names the component; with its place.
     * WEFT_NOMEM. NULL = nothing to say. */
    enum weft_status (*advise_signal)(const void *config, enum weft_signal signal, struct weft_config_notes *notes);

    /* Rules for the pipelines that name the component: called once for each. NULL = none. */
    enum weft_status (*validate_signal)(const void *config, enum weft_signal signal, struct weft_error *error);

    /* Rules over all pipelines that name the component, called once with all of them. NULL = none. */
    enum weft_status (*validate_uses)(const void *config, const struct weft_use *uses, size_t use_count,
                                      struct weft_error *error);

    /* Receivers: true if the client is answered only when the backend has answered. Such a receiver may not reach a
     * stage, which is a hand-over. NULL = no. */
    bool (*waits_for_delivery)(const void *config);

    /* Which authenticators the config names, WEFT_AUTH_NEEDS_MAX at most. Returns how many. NULL = none. */
    size_t (*auth_needs)(const void *config, struct weft_auth_need *out_needs);

    /* Extensions that authenticate: whom, WEFT_AUTHENTICATES_*. What share returns begins with a struct
     * weft_authenticator then. NULL = nobody. */
    unsigned (*authenticates)(const void *config);

    /* Extensions that authenticate, and processors: the keys of a request's metadata that are read (for the fields
     * that an extension gives), by index; NULL behind the last. NULL = none. */
    const char *(*reads_metadata)(const void *config, size_t index);

    /* Receivers: whether what requests say goes with their records. NULL = it does not. */
    bool (*gives_metadata)(const void *config);

    /* Processors: whether what is passed on has what the requests' metadata said under this key. NULL = it does, unless
     * the processor is a stage. */
    bool (*keeps_metadata)(const void *config, const char *key);

    /* Receivers and exporters: asked by the advice on whole pipelines (graph/advice.h). NULL = WEFT_REACH_MACHINE. */
    enum weft_reach (*reach)(const void *config);

    /* Processors that decide by attributes: adds them. WEFT_NOMEM. NULL = by none. */
    enum weft_status (*name_keys)(const void *config, struct weft_named_keys *keys);

    /* Processors: whether they want to know the address of the client (pipeline/metadata.h). NULL = no. */
    bool (*asks_for_address)(const void *config);

    /* Processors that redact: what becomes of each of the keys on its way through; out_fates has room for all.
     * WEFT_NOMEM. NULL = it does not redact. */
    enum weft_status (*judge_keys)(const void *config, const struct weft_named_keys *keys,
                                   struct weft_key_fate *out_fates, struct weft_error *error);

    /* For `weft validate --explain`: what the component holds and for how long, as the rest of a sentence that its name
     * begins ("holds records until ..."). NULL = it holds nothing. */
    enum weft_holding (*explain)(const void *config, struct weft_buffer *out);

    /* Reads what share would read besides the config (certificates), and lets go of it: for `weft validate`, which
     * opens nothing else. On the main thread of that command. NULL = there is nothing. */
    enum weft_status (*try_files)(const void *config, struct weft_error *error);

    /* After that, and for the same command: warns of what is in such files and would be passed over; node: the config
     * as it was written. WEFT_NOMEM. NULL = nothing is. */
    enum weft_status (*advise_files)(const void *config, const struct weft_node *node, struct weft_config_notes *notes);

    /* NULL = workers have nothing in common. config outlives *out_shared. */
    enum weft_status (*share)(const void *config, const char *id, struct weft_budget *budget, void **out_shared,
                              struct weft_error *error);

    /* The first plan that has this is in use from now on: only now may what the config names be changed (a file
     * emptied), since until now the start or the reload could fail. Main thread; does not block. NULL = it has nothing
     * to change. */
    void (*begin_use)(void *shared);
    bool has_listeners; /* exporters: what share returns begins with its listeners (receivers: it always does) */
    void (*unshare)(void *shared);

    /* A reload, for a component whose block did not change: what share has read or opened outside the config (a
     * certificate, an output file) is read or opened again, beside what is in use. Not on the main thread, and it may
     * block. A failure fails the reload, which then changes nothing. Both NULL = there is nothing outside. */
    enum weft_status (*renew)(void *shared, struct weft_error *error);

    /* After each renew, whatever it said: takes what is new into use, or forgets it. Main thread; does not block. */
    void (*end_renewal)(void *shared, bool is_used);

    enum weft_status (*create_receiver)(const struct weft_instance_setup *setup, struct weft_receiver **out_receiver,
                                        struct weft_error *error);
    enum weft_status (*create_consumer)(const struct weft_instance_setup *setup, struct weft_consumer **out_consumer,
                                        struct weft_error *error); /* processors and exporters */

    /* A processor that is a stage (pipeline/stage.h) has this instead of create_consumer: it makes a core. */
    enum weft_status (*create_stage)(const struct weft_instance_setup *setup, struct weft_stage **out_stage,
                                     struct weft_error *error);

    /* NULL = nothing of it runs by itself: others use what share returned, or nobody does. */
    enum weft_status (*create_extension)(const struct weft_instance_setup *setup, struct weft_extension **out_extension,
                                         struct weft_error *error);

    /* The state of an exporter instance for /ready: "ok" or what is wrong, WEFT_CHECK_BYTES at most. NULL = always ok.
     */
    void (*check)(const struct weft_consumer *consumer, char *out_text);

    /* Adds a consumer instance's numbers. NULL = none of its own. */
    void (*collect)(const struct weft_consumer *consumer, struct weft_samples *samples);
    void (*collect_stage)(const struct weft_stage *stage, struct weft_samples *samples);

    /* Stages: adds to a question what this core knows. Asked are only kinds in answers, an OR of WEFT_QUESTION_BIT_*;
     * who answers for traces counts as one that judges them. 0 and NULL = none. */
    unsigned answers;
    void (*ask)(const struct weft_stage *stage, struct weft_question *question);
};
