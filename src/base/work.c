/* Work on a stack of its own (work.h). A turn's end is found by the clock, which is read each 16 KiB of work. Going
 * from one stack to the other costs no system call where the instructions for it stand here. Sanitizers are told of the
 * stacks, since they keep books of them. */
#include "base/work.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/clock.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* ---- where a stack was left ---- */

#ifdef __x86_64__

struct place {
    void *stack; /* registers that a call keeps lie there, and where it returns to */
};

#ifdef __clang__
#define AS_IT_STANDS naked, noinline
#else
#define AS_IT_STANDS naked, noinline, noipa
#endif

__attribute__((AS_IT_STANDS)) static void change_stack(__attribute__((unused)) struct place *from,
                                                       __attribute__((unused)) const struct place *to)
{
    __asm__("pushq %rbp\n\t"
            "pushq %rbx\n\t"
            "pushq %r12\n\t"
            "pushq %r13\n\t"
            "pushq %r14\n\t"
            "pushq %r15\n\t"
            "subq $8, %rsp\n\t"
            "stmxcsr (%rsp)\n\t"
            "fnstcw 4(%rsp)\n\t"
            "movq %rsp, (%rdi)\n\t"
            "movq (%rsi), %rsp\n\t"
            "ldmxcsr (%rsp)\n\t"
            "fldcw 4(%rsp)\n\t"
            "addq $8, %rsp\n\t"
            "popq %r15\n\t"
            "popq %r14\n\t"
            "popq %r13\n\t"
            "popq %r12\n\t"
            "popq %rbx\n\t"
            "popq %rbp\n\t"
            "ret");
}

/* As if it had been left just before the first instruction of run. */
static void prepare(struct place *place, uint8_t *stack, size_t bytes, void (*run)(void))
{
    struct {
        uint32_t vector_control;
        uint32_t float_control;
        uint64_t registers[6];
        void (*run)(void);
        uint64_t nowhere; /* it does not return */
    } left = { .run = run };
    __asm__("stmxcsr %0\n\tfnstcw %1" : "=m"(left.vector_control), "=m"(left.float_control));
    place->stack = memcpy(stack + bytes - sizeof left, &left, sizeof left);
}

#else

#include <ucontext.h>

struct place {
    ucontext_t context;
};

static void change_stack(struct place *from, const struct place *to)
{
    weft_assert(swapcontext(&from->context, &to->context) == 0);
}

static void prepare(struct place *place, uint8_t *stack, size_t bytes, void (*run)(void))
{
    weft_assert(getcontext(&place->context) == 0);
    place->context.uc_stack.ss_sp = stack;
    place->context.uc_stack.ss_size = bytes;
    place->context.uc_link = NULL;
    makecontext(&place->context, run, 0);
}

#endif

/* ---- the stack ---- */

struct weft_work {
    struct place inner, outer;
    uint8_t *mapped; /* a page that nobody may touch, and the stack above it */
    size_t mapped_bytes;
    weft_work_fn run;
    void *context;
    struct weft_monotonic turn_end;
    int64_t away_ns; /* what the thread used while it was put off */
    bool is_under_way, is_ended;
#ifdef __SANITIZE_ADDRESS__
    const void *outer_stack;
    size_t outer_bytes;
    void *outer_frames, *inner_frames;
#endif
#ifdef __SANITIZE_THREAD__
    void *inner_fiber, *outer_fiber;
#endif
};

WEFT_THREAD_LOCAL int64_t weft_work_left_bytes;
static WEFT_THREAD_LOCAL struct weft_work *now; /* that runs in this thread */

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

struct weft_work *weft_work_try_new(void)
{
    struct weft_work *work = weft_try_alloc(sizeof *work);
    if (work == NULL) {
        return NULL;
    }
    work->mapped_bytes = page_bytes() + WEFT_WORK_STACK_BYTES;
    void *mapped =
        mmap(NULL, work->mapped_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        weft_free(work);
        return NULL;
    }
    work->mapped = mapped;
    if (mprotect(work->mapped + page_bytes(), WEFT_WORK_STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(work->mapped, work->mapped_bytes);
        weft_free(work);
        return NULL;
    }
#ifdef __SANITIZE_THREAD__
    work->inner_fiber = __tsan_create_fiber(0);
#endif
    return work;
}

void weft_work_free(struct weft_work **own_work)
{
    struct weft_work *work = *own_work;
    if (work == NULL) {
        return;
    }
    weft_assert(!work->is_under_way);
#ifdef __SANITIZE_THREAD__
    __tsan_destroy_fiber(work->inner_fiber);
#endif
    weft_assert(munmap(work->mapped, work->mapped_bytes) == 0);
    weft_free(work);
    *own_work = NULL;
}

/* ---- from stack to stack ---- */

static void go_in(struct weft_work *work)
{
    weft_assert(now == NULL);
    now = work;
    weft_work_left_bytes = WEFT_WORK_LOOK_BYTES;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(&work->outer_frames, work->mapped + page_bytes(), WEFT_WORK_STACK_BYTES);
#endif
#ifdef __SANITIZE_THREAD__
    work->outer_fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(work->inner_fiber, 0);
#endif
    change_stack(&work->outer, &work->inner);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(work->outer_frames, NULL, NULL);
#endif
    now = NULL;
}

/* Comes back, in the next turn, unless the work has ended. */
static void go_out(struct weft_work *work)
{
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_start_switch_fiber(work->is_ended ? NULL : &work->inner_frames, work->outer_stack, work->outer_bytes);
#endif
#ifdef __SANITIZE_THREAD__
    __tsan_switch_to_fiber(work->outer_fiber, 0);
#endif
    change_stack(&work->inner, &work->outer);
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(work->inner_frames, &work->outer_stack, &work->outer_bytes);
#endif
}

static void run_inside(void)
{
    struct weft_work *work = now;
#ifdef __SANITIZE_ADDRESS__
    __sanitizer_finish_switch_fiber(NULL, &work->outer_stack, &work->outer_bytes);
#endif
    work->run(work->context);
    work->is_ended = true;
    go_out(work);
    weft_assert(!"work that has ended goes on");
}

/* ---- turns ---- */

bool weft_work_begin(struct weft_work *work, weft_work_fn run, void *context, int64_t turn_ns)
{
    weft_assert(!work->is_under_way && run != NULL);
    prepare(&work->inner, work->mapped + page_bytes(), WEFT_WORK_STACK_BYTES, run_inside);
    work->run = run;
    work->context = context;
    work->away_ns = 0;
    work->is_under_way = true;
    work->is_ended = false;
    return weft_work_go_on(work, turn_ns);
}

bool weft_work_go_on(struct weft_work *work, int64_t turn_ns)
{
    weft_assert(work->is_under_way);
    work->turn_end = weft_monotonic_after(weft_monotonic_now(), turn_ns);
    go_in(work);
    work->is_under_way = !work->is_ended;
    return work->is_ended;
}

bool weft_work_is_under_way(const struct weft_work *work)
{
    return work->is_under_way;
}

void weft_work_look(void)
{
    struct weft_work *work = now;
    weft_work_left_bytes = work == NULL ? INT64_MAX : WEFT_WORK_LOOK_BYTES;
    if (work == NULL || weft_monotonic_now().ns < work->turn_end.ns) {
        return;
    }
    int64_t before = weft_thread_cpu_ns();
    go_out(work);
    work->away_ns += weft_thread_cpu_ns() - before;
}

bool weft_work_is_here(void)
{
    return now != NULL;
}

void weft_work_copy_long(void *to, const void *from, size_t length)
{
    enum { PIECE_BYTES = 64 << 10 };
    for (size_t at = 0; at < length; at += PIECE_BYTES) {
        size_t piece = length - at < PIECE_BYTES ? length - at : PIECE_BYTES;
        memcpy((uint8_t *)to + at, (const uint8_t *)from + at, piece);
        weft_work_did(piece);
    }
}

int64_t weft_work_cpu_ns(void)
{
    return weft_thread_cpu_ns() - (now == NULL ? 0 : now->away_ns);
}
