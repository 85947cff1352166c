#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bench_connection;

#define BENCH_NEVER INT64_MAX

/* Called once per turn of the loop, before output is flushed; returns the next time it wants to run (ns, monotonic). */
typedef int64_t bench_tick_fn(void *context, int64_t now_ns);

typedef void bench_ready_fn(void *context, uint32_t epoll_events);

/* Something with a descriptor; lives as long as the descriptor is watched. */
struct bench_watch {
    int fd;
    bench_ready_fn *on_ready;
    void *context;
};

/* One thread, one epoll. Connections touched in a turn are flushed once, at its end. */
struct bench_loop {
    int epoll_fd;
    bool is_stopping;
    int64_t now_ns;
    struct bench_connection *dirty;
    struct bench_connection *dead;
    uint8_t *read_buffer; /* shared: a read is consumed before the next */
    uint64_t read_buffer_bytes;
};

int64_t bench_now_ns(void);
int64_t bench_wall_ns(void);

/* Sets SIGTERM and SIGINT to stop the loop; read_buffer_bytes is the size of every socket read. */
void bench_loop_init(struct bench_loop *loop, uint64_t read_buffer_bytes);
void bench_loop_watch(struct bench_loop *loop, struct bench_watch *watch, uint32_t epoll_events);
void bench_loop_change(struct bench_loop *loop, struct bench_watch *watch, uint32_t epoll_events);

/* Runs until is_stopping or a signal. */
void bench_loop_run(struct bench_loop *loop, bench_tick_fn *on_tick, void *context);

/* Listens on host:port; ends the program if it cannot. */
int bench_listen(const char *host, uint16_t port);

/* A connected, non-blocking socket or -1. */
int bench_connect(const char *host, uint16_t port);

/* User and system CPU seconds of this process so far. */
void bench_cpu_seconds(double *out_user, double *out_system);
