#pragma once

#include "graph/plan.h"

/* What a person should know of pipelines that are valid and probably not meant so: what no component can see alone. A
 * file each; each adds notes with the place that has to change. WEFT_NOMEM. */

enum weft_status weft_plan_advise(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* advice_agent.c: traces are judged on one of several nodes. */
enum weft_status weft_advise_of_agents(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* advice_masked.c: a redaction takes away what is decided by behind it. */
enum weft_status weft_advise_of_masked_keys(const struct weft_plan *plan,
                                            struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* advice_metadata.c: what an authenticator takes from a request is lost before it. */
enum weft_status weft_advise_of_metadata(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* advice_order.c: what is held is not redacted yet. */
enum weft_status weft_advise_of_order(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* advice_signal.c: what a processor does not do for the signal of a pipeline. */
enum weft_status weft_advise_of_signals(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* For those files: whether a component judges traces, and where a pipeline names the processor of that index. */
bool weft_advice_judges_traces(const struct weft_plan_component *component);
struct weft_position weft_advice_place(const struct weft_plan *plan, size_t pipeline, size_t processor);

/* advice_unused.c: an extension that does not run. */
enum weft_status weft_advise_of_unused(const struct weft_plan *plan, struct weft_config_notes *notes) WEFT_MUST_CHECK;
