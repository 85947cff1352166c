#pragma once

#include "net/loop.h"

/* SIGTERM, SIGINT and SIGHUP as events of the main thread's loop. */
struct weft_signals;

/* Before any thread is started: blocks the signals for all threads that follow, and ignores SIGPIPE. */
struct weft_signals *weft_signals_new(struct weft_loop *loop, void (*on_signal)(void *context, int signal_number),
                                      void *context);
void weft_signals_free(struct weft_signals *signals);
