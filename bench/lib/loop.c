/* The event loop: level-triggered epoll, nanosecond timeouts, one flush per turn. Signals are only let in while the
 * loop sleeps, so that none is lost between a check and the wait. */
#include "lib/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/connection.h"

static volatile sig_atomic_t signal_arrived;

static void on_signal(int number)
{
    (void)number;
    signal_arrived = 1;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t bench_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

enum { PAGE_BYTES = 4096 };

void bench_loop_init(struct bench_loop *loop, uint64_t read_buffer_bytes)
{
    *loop = (struct bench_loop){ .epoll_fd = epoll_create1(EPOLL_CLOEXEC), .now_ns = bench_now_ns() };
    if (loop->epoll_fd < 0) {
        bench_die("epoll: %s", strerror(errno));
    }
    loop->read_buffer_bytes = read_buffer_bytes;
    /* As weft's: just behind a page's start, where glibc puts large blocks, the kernel copies slowly. */
    loop->read_buffer = aligned_alloc(PAGE_BYTES, (read_buffer_bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    if (loop->read_buffer == NULL) {
        bench_die("no memory for the read buffer");
    }
    prctl(PR_SET_TIMERSLACK, 1UL);
    signal(SIGPIPE, SIG_IGN);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
}

static void control(struct bench_loop *loop, int operation, struct bench_watch *watch, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.ptr = watch };
    if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) != 0) {
        bench_die("epoll_ctl: %s", strerror(errno));
    }
}

void bench_loop_watch(struct bench_loop *loop, struct bench_watch *watch, uint32_t epoll_events)
{
    control(loop, EPOLL_CTL_ADD, watch, epoll_events);
}

void bench_loop_change(struct bench_loop *loop, struct bench_watch *watch, uint32_t epoll_events)
{
    control(loop, EPOLL_CTL_MOD, watch, epoll_events);
}

static void wait_and_dispatch(struct bench_loop *loop, int64_t wake_ns)
{
    struct epoll_event events[64];
    struct timespec timeout;
    struct timespec *limit = NULL;
    if (wake_ns != BENCH_NEVER) {
        int64_t delay_ns = wake_ns > loop->now_ns ? wake_ns - loop->now_ns : 0;
        timeout = (struct timespec){ delay_ns / 1000000000, delay_ns % 1000000000 };
        limit = &timeout;
    }
    sigset_t none;
    sigemptyset(&none);
    int count = epoll_pwait2(loop->epoll_fd, events, 64, limit, &none);
    loop->now_ns = bench_now_ns();
    for (int i = 0; i < count; i++) {
        struct bench_watch *watch = events[i].data.ptr;
        watch->on_ready(watch->context, events[i].events);
    }
}

void bench_loop_run(struct bench_loop *loop, bench_tick_fn *on_tick, void *context)
{
    loop->now_ns = bench_now_ns();
    while (!loop->is_stopping && signal_arrived == 0) {
        int64_t wake_ns = on_tick(context, loop->now_ns);
        while (loop->dirty != NULL || loop->dead != NULL) {
            bench_connections_flush(loop);
            bench_connections_reap(loop);
        }
        if (loop->is_stopping) {
            break;
        }
        wait_and_dispatch(loop, wake_ns);
    }
    bench_connections_flush(loop);
}

static struct addrinfo *resolve(const char *host, uint16_t port)
{
    char service[8];
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%u", port);
    int rc = getaddrinfo(host, service, &hints, &found);
    if (rc != 0) {
        bench_die("%s: %s", host, gai_strerror(rc));
    }
    return found;
}

int bench_listen(const char *host, uint16_t port)
{
    struct addrinfo *address = resolve(host, port);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, 1024) != 0) {
        bench_die("listen on %s:%u: %s", host, port, strerror(errno));
    }
    freeaddrinfo(address);
    return fd;
}

int bench_connect(const char *host, uint16_t port)
{
    struct addrinfo *address = resolve(host, port);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    } else {
        fcntl(fd, F_SETFL, O_NONBLOCK);
    }
    freeaddrinfo(address);
    return fd;
}

void bench_cpu_seconds(double *out_user, double *out_system)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    *out_user = (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
    *out_system = (double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6;
}
