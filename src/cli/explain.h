#pragma once

#include "graph/plan.h"

/* `weft validate --explain`: for each pipeline and each of its nodes what it holds, for how long, and what a crash
 * would cost, to the standard output. */
void weft_cli_explain(const struct weft_plan *plan);
