#pragma once

#include "pipeline/mail.h"
#include "worker/worker.h"

/* Mail between workers by their mailboxes: what a worker sends to another one in a tick goes at its end, in one piece.
 */
struct weft_worker_post;

/* Every worker's host has it from then on. The workers outlive it. */
struct weft_worker_post *weft_worker_post_new(struct weft_worker *const *workers, uint32_t worker_count);

/* The workers have stopped; nothing is under way. */
void weft_worker_post_free(struct weft_worker_post *post);
