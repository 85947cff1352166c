#pragma once

#include "worker/telemetry_config.h"
#include "worker/worker.h"

/* What can be asked of the running agent: the telemetry port and the admin socket, and the gathers that carry their
 * questions from worker to worker. Main thread. */
struct weft_questions;

struct weft_questions_settings {
    struct weft_worker *const *workers; /* outlive it */
    uint32_t worker_count;
    struct weft_ledger *ledger;
    bool (*can_accept)(void *context);
    void *context;
    const struct weft_telemetry *telemetry;
    const char *state_directory; /* NULL: no admin socket */
    struct weft_wall started;
};

/* A telemetry port that cannot be had is an error; an admin socket that cannot be had is logged. */
enum weft_status weft_questions_new(const struct weft_questions_settings *settings,
                                    struct weft_questions **out_questions, struct weft_error *error) WEFT_MUST_CHECK;

/* The workers have stopped: answers what is under way. */
void weft_questions_settle(struct weft_questions *questions);

void weft_questions_free(struct weft_questions *questions);
