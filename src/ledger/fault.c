/* SIGBUS in the ledger's mapping (fault.h). What the handler reads are atomics; what it calls is mmap, a bare system
 * call. Two threads that fault at once both put fresh memory there, which loses nothing: nobody reads the mapping. */
#include "ledger/fault.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/thread.h"

enum { GUARD_LIMIT = 16 };

struct guard {
    _Atomic uintptr_t start;
    _Atomic size_t length; /* 0: free */
    _Atomic bool has_faulted;
};

static struct guard guards[GUARD_LIMIT];
static struct weft_mutex guards_lock = WEFT_MUTEX_INITIALIZER;
static struct sigaction former_action;
static bool is_installed;

static bool replace_mapping(uintptr_t address)
{
    for (int i = 0; i < GUARD_LIMIT; i++) {
        uintptr_t start = atomic_load(&guards[i].start);
        size_t length = atomic_load(&guards[i].length);
        if (address >= start && address - start < length) {
            atomic_store(&guards[i].has_faulted, true);
            int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
            /* Not through the library: nobody's bookkeeping, as a sanitizer's, belongs into a handler. */
            return syscall(SYS_mmap, start, length, PROT_READ | PROT_WRITE, flags, -1, 0) == (long)start;
        }
    }
    return false;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    if (info->si_code > 0 && replace_mapping((uintptr_t)info->si_addr)) {
        return;
    }
    if ((former_action.sa_flags & SA_SIGINFO) != 0) {
        former_action.sa_sigaction(number, info, context);
    } else {
        /* Not ours: the same instruction faults again, with what was there before us. */
        sigaction(number, &former_action, NULL);
    }
}

static void install(void)
{
    struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    weft_assert(sigaction(SIGBUS, &action, &former_action) == 0);
    is_installed = true;
}

int weft_ledger_guard(void *start, size_t length)
{
    int found = -1;
    weft_mutex_lock(&guards_lock);
    if (!is_installed) {
        install();
    }
    for (int i = 0; i < GUARD_LIMIT && found < 0; i++) {
        if (atomic_load(&guards[i].length) == 0) {
            atomic_store(&guards[i].has_faulted, false);
            atomic_store(&guards[i].start, (uintptr_t)start);
            atomic_store(&guards[i].length, length);
            found = i;
        }
    }
    weft_mutex_unlock(&guards_lock);
    return found;
}

void weft_ledger_unguard(int guard)
{
    if (guard >= 0) {
        atomic_store(&guards[guard].length, 0);
    }
}

bool weft_ledger_guard_has_faulted(int guard)
{
    return guard >= 0 && atomic_load(&guards[guard].has_faulted);
}
