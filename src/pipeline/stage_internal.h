#pragma once

#include "pipeline/stage.h"

/* What stage.c and face.c have between them. */
struct weft_stage_outlet *weft_stage_outlet_new(struct weft_stage *stage, const char *pipeline,
                                                enum weft_signal signal);

/* No face is left. */
void weft_stage_outlet_free(struct weft_stage_outlet *outlet);

/* What all its faces are to say. */
bool weft_stage_outlet_may_take(const struct weft_stage_outlet *outlet);

/* Some core has opened or closed. */
void weft_stage_update_open(struct weft_stage *stage);
