#pragma once

#include "net/guests.h"
#include "net/loop.h"

/* A listening socket that is accepted from. While the process has no descriptor left the most dispensable guest gives
 * its own (guests.h); where there is none the door is shut for a moment, since a listener stays readable and the loop
 * would spin. */
struct weft_door;

/* Takes over an accepted, non-blocking socket. */
typedef void (*weft_door_fn)(void *context, int descriptor);

/* The listening socket stays the caller's to close, after weft_door_free. hall: the worker's, or NULL. */
struct weft_door *weft_door_new(struct weft_loop *loop, int listening_descriptor, struct weft_guest_hall *hall,
                                weft_door_fn on_accepted, void *context);

/* Accepts none for so long. May be called from on_accepted. */
void weft_door_rest(struct weft_door *door, int64_t duration_ns);

/* Accepts no more. May be called from on_accepted. */
void weft_door_shut(struct weft_door *door);
void weft_door_free(struct weft_door *door);
