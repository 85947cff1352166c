/* Signals by signalfd (signals.h): no handler, so nothing to be careful about inside one. */
#include "worker/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"

struct weft_signals {
    int descriptor;
    struct weft_watch *watch;
    void (*on_signal)(void *context, int signal_number);
    void *context;
};

static void descriptor_ready(void *context, unsigned readiness)
{
    (void)readiness;
    struct weft_signals *signals = context;
    struct signalfd_siginfo info;
    while (read(signals->descriptor, &info, sizeof info) == (ssize_t)sizeof info) {
        signals->on_signal(signals->context, (int)info.ssi_signo);
    }
}

static sigset_t handled(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

struct weft_signals *weft_signals_new(struct weft_loop *loop, void (*on_signal)(void *context, int signal_number),
                                      void *context)
{
    struct weft_signals *signals = weft_alloc(sizeof *signals);
    sigset_t set = handled();
    weft_assert(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
    signal(SIGPIPE, SIG_IGN);
    signals->descriptor = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    weft_assert(signals->descriptor >= 0);
    signals->on_signal = on_signal;
    signals->context = context;
    signals->watch = weft_watch_new(loop, signals->descriptor, WEFT_READABLE, descriptor_ready, signals);
    return signals;
}

void weft_signals_free(struct weft_signals *signals)
{
    weft_watch_free(signals->watch);
    close(signals->descriptor);
    weft_free(signals);
}
