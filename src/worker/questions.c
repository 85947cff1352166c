/* Questions to all workers (questions.h): a gather is a message that goes from mailbox to mailbox and ends at worker 0,
 * where it began. */
#include "worker/questions.h"

#include "admin/admin_socket.h"
#include "base/alloc.h"
#include "base/log.h"

struct weft_questions {
    struct weft_questions_settings settings;
    struct weft_telemetry_server *telemetry_server;
    struct weft_admin_socket *admin_socket;
    uint32_t gather_count; /* under way */
};

static void carry_gather(struct weft_message *message)
{
    struct weft_gather *gather = WEFT_CONTAINER_OF(message, struct weft_gather, message);
    struct weft_questions *questions = gather->agent;
    struct weft_worker *const *workers = questions->settings.workers;
    uint32_t worker_count = questions->settings.worker_count;
    if (gather->next_worker == worker_count) {
        questions->gather_count--;
        gather->on_gathered(gather);
        return;
    }
    weft_worker_answer(workers[gather->next_worker], gather);
    gather->next_worker++;
    uint32_t to = gather->next_worker == worker_count ? 0 : gather->next_worker;
    weft_mailbox_post_always(weft_worker_mailbox(workers[to]), &gather->message);
}

static void start_gather(void *context, struct weft_gather *gather)
{
    struct weft_questions *questions = context;
    gather->agent = questions;
    gather->next_worker = 0;
    gather->message.on_delivered = carry_gather;
    questions->gather_count++;
    weft_mailbox_post_always(weft_worker_mailbox(questions->settings.workers[0]), &gather->message);
}

static bool can_accept(void *context)
{
    const struct weft_questions *questions = context;
    return questions->settings.can_accept(questions->settings.context);
}

/* weft works without: it is for looking. */
static void open_admin_socket(struct weft_questions *questions, const struct weft_telemetry_server_settings *settings,
                              const struct weft_admin_source *source)
{
    const char *directory = questions->settings.state_directory;
    struct weft_error error = WEFT_ERROR_NONE;
    if (directory == NULL) {
        weft_log(INFO, "admin.none",
                 "no state directory (--state-dir): weft trace and weft drops cannot ask this agent");
        return;
    }
    const struct weft_net_context *net = weft_worker_host(questions->settings.workers[0])->net;
    if (weft_admin_socket_new(net, directory, settings, source, &questions->admin_socket, &error) != WEFT_OK) {
        weft_log(WARN, "admin.none", "no admin socket: weft trace and weft drops cannot ask this agent",
                 WEFT_LOG_STRING("error", error.text));
    }
}

enum weft_status weft_questions_new(const struct weft_questions_settings *settings,
                                    struct weft_questions **out_questions, struct weft_error *error)
{
    struct weft_questions *questions = weft_alloc(sizeof *questions);
    questions->settings = *settings;
    const struct weft_telemetry *telemetry = settings->telemetry;
    struct weft_telemetry_server_settings server = { .host = telemetry->host,
                                                     .port = telemetry->port,
                                                     .adds_type_suffix = telemetry->adds_type_suffix,
                                                     .started = settings->started };
    struct weft_admin_source source = {
        .agent = questions, .gather = start_gather, .can_accept = can_accept, .ledger = settings->ledger
    };
    if (telemetry->has_metrics) {
        enum weft_status status = weft_telemetry_server_new(weft_worker_host(settings->workers[0])->net, &server,
                                                            &source, &questions->telemetry_server, error);
        if (status != WEFT_OK) {
            weft_free(questions);
            return weft_fail_prefix(error, "service.telemetry.metrics");
        }
    }
    open_admin_socket(questions, &server, &source);
    *out_questions = questions;
    return WEFT_OK;
}

/* A question may be in the mailbox of a worker that has stopped: all of them are this thread's now. */
void weft_questions_settle(struct weft_questions *questions)
{
    while (questions->gather_count > 0) {
        for (uint32_t i = 0; i < questions->settings.worker_count; i++) {
            weft_mailbox_deliver(weft_worker_mailbox(questions->settings.workers[i]));
        }
    }
}

void weft_questions_free(struct weft_questions *questions)
{
    if (questions->telemetry_server != NULL) {
        weft_telemetry_server_free(questions->telemetry_server);
    }
    if (questions->admin_socket != NULL) {
        weft_admin_socket_free(questions->admin_socket);
    }
    weft_free(questions);
}
