#pragma once

#include "graph/plan.h"
#include "pipeline/audit.h"

/* One worker's graph: the instances of a plan, joined. Built, used and taken apart on the worker's thread.
 *
 * A graph built beside a former one takes over what did not change: exporters and receivers of the same plan component,
 * and pipelines made of the same components in the same order. What it did not take over stays with the former graph,
 * which is then drained. */
struct weft_graph;

/* Makes what former does not have; former may be NULL, works on and is not changed. plan outlives the graph. A graph
 * that shall not be used after all is freed. */
enum weft_status weft_graph_build(struct weft_host *host, const struct weft_plan *plan, const struct weft_graph *former,
                                  struct weft_graph **out_graph, struct weft_error *error) WEFT_MUST_CHECK;

/* From here on the graph is the one that works: what it shares with former (the one that it was built beside, or NULL)
 * is its own now, and receivers feed its pipelines. Does not fail. */
void weft_graph_switch(struct weft_graph *graph, struct weft_graph *former);

/* The instance of a receiver; NULL if the graph has none for that component. */
struct weft_receiver *weft_graph_receiver(const struct weft_graph *graph, const struct weft_plan_component *component);

size_t weft_graph_connection_count(const struct weft_graph *graph);

/* One step of draining up to and with this phase (weft_plan_phase_count); a phase begins when the one before it is done
 * on every worker, or has had its time. is_forced drops what is left with the reason. Call again until it returns true:
 * nothing that belongs to this phase or an earlier one is held. */
bool weft_graph_drain(struct weft_graph *graph, unsigned phase, enum weft_drop_reason reason, bool is_forced);

/* Records held by all consumers, and by cores for pipelines that only this graph has; mail that such cores have under
 * way counts, too. Without memory to count it is not 0. */
uint64_t weft_graph_held(const struct weft_graph *graph);

/* Tells the state of every exporter: "ok" or what is wrong. */
void weft_graph_check(const struct weft_graph *graph, void (*add)(void *context, const char *id, const char *text),
                      void *context);

/* Asks every component that answers questions of this kind what it knows. */
void weft_graph_ask(const struct weft_graph *graph, struct weft_question *question);

/* Drained, or never used. */
void weft_graph_free(struct weft_graph *graph);

void weft_graph_collect(const struct weft_graph *graph, struct weft_samples *samples);

/* Adds what the consumers hold, account by account; without cores. */
void weft_graph_audit(const struct weft_graph *graph, struct weft_audit *audit);

/* Adds what the cores on this worker hold, whichever graph has them: while the workers switch, what one that has
 * switched lends comes to a core that here only the graph being built has. */
void weft_graph_audit_stages(const struct weft_host *host, struct weft_audit *audit);

/* Compares with this worker's books. Returns the number of accounts that disagree; each is logged and, if out_text is
 * not NULL, appended to it as a JSON object in a list. */
size_t weft_audit_check(const struct weft_audit *audit, const struct weft_host *host, struct weft_buffer *out_text);
