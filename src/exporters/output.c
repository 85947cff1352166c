/* Outputs and their queues (output.h). A queue has one write under way and gathers what comes meanwhile. What a write
 * is made of belongs to the helper for as long as it is away, so that a queue can go while a write hangs: the batches
 * stay with the queue, the bytes with the helper. */
#include "exporters/output.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "base/magic.h"

enum { KEPT_BYTES = 1 << 20, HELPER_TASKS = 4096 };

static const int64_t retry_ns = 1 * WEFT_NS_PER_S;
static const int64_t stall_ns = 1 * WEFT_NS_PER_S;
static const int64_t last_moment_ns = 100 * WEFT_NS_PER_MS;

WEFT_MAGIC(output, 0x0f11e008);
WEFT_MAGIC(output_writing, 0x0f11e009);

struct weft_output {
    uint32_t magic;
    const struct weft_output_kind *kind;
    void *sink;
    struct weft_helper *helper;
    struct weft_helper_task beginning;
};

struct weft_output_writing {
    struct weft_helper_task task;
    uint32_t magic;
    struct weft_output_queue *queue; /* the loop's only */
    struct weft_buffer bytes;
    struct weft_error error; /* of the last try */
};

/* ---- outputs ---- */

static void destroy_output(void *context)
{
    struct weft_output *output = context;
    output->kind->close(output->sink);
    weft_clear_magic(output, output);
    weft_free(output);
}

struct weft_output *weft_output_new(const struct weft_output_kind *kind, void *sink)
{
    struct weft_output *output = weft_alloc(sizeof *output);
    weft_set_magic(output, output);
    output->kind = kind;
    output->sink = sink;
    output->helper = weft_helper_new("weft-output", HELPER_TASKS, output, destroy_output);
    return output;
}

static void begin_now(struct weft_helper_task *task, void *context)
{
    const struct weft_output *output = context;
    (void)task;
    output->kind->begin(output->sink);
}

static void has_begun(struct weft_helper_task *task)
{
    (void)task; /* it is the output's */
}

void weft_output_begin(struct weft_output *output)
{
    weft_check_magic(output, output);
    if (output->kind->begin != NULL) {
        output->beginning = (struct weft_helper_task){ .work = begin_now, .on_left = has_begun };
        (void)!weft_helper_ask(output->helper, NULL, &output->beginning, NULL); /* else the first write does it */
    }
}

void weft_output_free(struct weft_output *output)
{
    weft_check_magic(output, output);
    weft_helper_free(output->helper);
}

void *weft_output_sink(struct weft_output *output)
{
    weft_check_magic(output, output);
    return output->sink;
}

/* ---- writing ---- */

static struct weft_output_writing *writing_of(struct weft_helper_task *task)
{
    struct weft_output_writing *writing = WEFT_CONTAINER_OF(task, struct weft_output_writing, task);
    weft_check_magic(writing, output_writing);
    return writing;
}

static void write_now(struct weft_helper_task *task, void *context)
{
    struct weft_output_writing *writing = writing_of(task);
    const struct weft_output *output = context;
    writing->error = WEFT_ERROR_NONE;
    (void)!output->kind->write(output->sink, weft_buffer_slice(&writing->bytes), &writing->error);
}

static void free_writing(struct weft_output_writing *writing)
{
    weft_buffer_fini(&writing->bytes);
    weft_clear_magic(writing, output_writing);
    weft_free(writing);
}

static void on_left(struct weft_helper_task *task)
{
    free_writing(writing_of(task));
}

static void on_written(struct weft_helper_task *task);

static struct weft_output_writing *new_writing(struct weft_output_queue *queue)
{
    struct weft_output_writing *writing = weft_alloc(sizeof *writing);
    weft_set_magic(writing, output_writing);
    writing->task = (struct weft_helper_task){ .work = write_now, .on_done = on_written, .on_left = on_left };
    writing->queue = queue;
    weft_buffer_init(&writing->bytes, 0);
    return writing;
}

/* ---- queues ---- */

static struct weft_host *host_of(const struct weft_output_queue *queue)
{
    return queue->exporter->host;
}

static size_t waiting_bytes(const struct weft_output_queue *queue)
{
    return queue->gathering.length + queue->writing->bytes.length;
}

static void update_openness(struct weft_output_queue *queue)
{
    size_t text_bytes = waiting_bytes(queue);
    size_t held_bytes = text_bytes > queue->batch_bytes ? text_bytes : queue->batch_bytes;
    weft_consumer_set_open(queue->exporter, held_bytes < queue->max_bytes);
}

static void empty(struct weft_output_queue *queue, struct weft_buffer *buffer)
{
    weft_assert(queue->charged_bytes >= buffer->length);
    queue->charged_bytes -= buffer->length;
    weft_budget_release(host_of(queue)->budget, buffer->length);
    if (buffer->capacity > KEPT_BYTES) {
        weft_buffer_fini(buffer);
    }
    weft_buffer_clear(buffer);
}

static void move_list(struct weft_list *from, struct weft_list *to)
{
    struct weft_list *node;
    while ((node = weft_list_pop_front(from)) != NULL) {
        weft_list_push_back(to, node);
    }
}

static void ask(struct weft_output_queue *queue)
{
    struct weft_output_writing *writing = queue->writing;
    weft_timer_cancel(host_of(queue)->timers, &queue->flush_timer);
    queue->is_under_way = true;
    if (host_of(queue)->answers == NULL) { /* there are no helpers here */
        write_now(&writing->task, queue->output);
        on_written(&writing->task);
    } else if (weft_helper_ask(queue->output->helper, host_of(queue)->answers, &writing->task, &writing->error) ==
               WEFT_OK) {
        weft_timer_set_after(host_of(queue)->timers, &queue->stall_timer, stall_ns);
    } else {
        on_written(&writing->task);
    }
}

/* What could not be written comes first, and alone: it may have been cut off at any place. */
static void flush(struct weft_output_queue *queue)
{
    if (queue->is_under_way) {
        queue->is_due = queue->gathering.length > 0;
        return;
    }
    if (queue->writing->bytes.length == 0) {
        struct weft_buffer empty_bytes = queue->writing->bytes;
        queue->writing->bytes = queue->gathering;
        queue->gathering = empty_bytes;
        move_list(&queue->batches, &queue->written);
        queue->is_due = false;
    }
    if (queue->writing->bytes.length > 0) {
        ask(queue);
    }
}

static void flush_is_due(void *context)
{
    flush(context);
}

static void flush_in_time(struct weft_output_queue *queue)
{
    if (queue->gathering.length == 0 || queue->is_under_way || queue->is_failing) {
        return;
    }
    if (queue->is_due || queue->gathering.length >= queue->flush_bytes || queue->flush_interval_ns == 0) {
        flush(queue);
    } else if (!weft_timer_is_set(&queue->flush_timer)) {
        weft_timer_set_after(host_of(queue)->timers, &queue->flush_timer, queue->flush_interval_ns);
    }
}

static void was_written(struct weft_output_queue *queue)
{
    struct weft_list batches;
    struct weft_list *node;
    if (queue->is_failing || queue->is_stalled) {
        weft_log(INFO, "output.recovered", "it can be written to again",
                 WEFT_LOG_STRING("exporter", queue->exporter->id));
    }
    queue->is_due = queue->is_due || queue->is_failing; /* it has waited long enough */
    queue->is_failing = false;
    queue->is_stalled = false;
    empty(queue, &queue->writing->bytes);
    weft_list_init(&batches);
    move_list(&queue->written, &batches); /* ending one may bring the next */
    while ((node = weft_list_pop_front(&batches)) != NULL) {
        struct weft_batch *batch = weft_batch_of(node);
        weft_host_book(host_of(queue), queue->sent_flow, batch->weight);
        queue->counters.sent += batch->weight;
        queue->batch_bytes -= batch->size_bytes;
        weft_batch_end(&batch, NULL, -1);
    }
    flush_in_time(queue);
}

static void was_not_written(struct weft_output_queue *queue, const struct weft_error *error)
{
    weft_log(ERROR, "output.write_failed", "records wait until it can be written to",
             WEFT_LOG_STRING("exporter", queue->exporter->id), WEFT_LOG_INT("bytes", waiting_bytes(queue)),
             WEFT_LOG_STRING("error", error->text));
    queue->is_failing = true;
    queue->is_stalled = false;
    snprintf(queue->failure, sizeof queue->failure, "%s", error->text);
    weft_timer_set_after(host_of(queue)->timers, &queue->flush_timer,
                         queue->flush_interval_ns > 0 ? queue->flush_interval_ns : retry_ns);
}

static void on_written(struct weft_helper_task *task)
{
    struct weft_output_writing *writing = writing_of(task);
    struct weft_output_queue *queue = writing->queue;
    weft_assert(queue->writing == writing && queue->is_under_way);
    queue->is_under_way = false;
    weft_timer_cancel(host_of(queue)->timers, &queue->stall_timer);
    if (writing->error.status == WEFT_OK) {
        was_written(queue);
    } else {
        was_not_written(queue, &writing->error);
    }
    update_openness(queue);
}

static void has_stalled(void *context)
{
    struct weft_output_queue *queue = context;
    weft_assert(queue->is_under_way);
    queue->is_stalled = true;
    queue->stalls++;
    snprintf(queue->failure, sizeof queue->failure, "a write stands for more than a second");
    weft_log(WARN, "output.stalled", "nobody takes what is written; records wait, and clients when it is too much",
             WEFT_LOG_STRING("exporter", queue->exporter->id), WEFT_LOG_INT("bytes", waiting_bytes(queue)));
}

/* ---- for exporters ---- */

void weft_output_queue_init(struct weft_output_queue *queue, struct weft_consumer *exporter, struct weft_output *output,
                            size_t max_bytes)
{
    weft_check_magic(output, output);
    *queue = (struct weft_output_queue){ .exporter = exporter, .output = output, .max_bytes = max_bytes };
    weft_buffer_init(&queue->gathering, 0);
    weft_list_init(&queue->batches);
    weft_list_init(&queue->written);
    weft_timer_init(&queue->flush_timer, flush_is_due, queue);
    weft_timer_init(&queue->stall_timer, has_stalled, queue);
    queue->writing = new_writing(queue);
    queue->sent_flow = weft_exporter_sent_flow(exporter);
    queue->shutdown_flow = weft_consumer_drop_flow(exporter, WEFT_DROP_SHUTDOWN);
    queue->reload_flow = weft_consumer_drop_flow(exporter, WEFT_DROP_RELOAD);
}

void weft_output_queue_fini(struct weft_output_queue *queue)
{
    weft_assert(weft_list_is_empty(&queue->batches) && weft_list_is_empty(&queue->written));
    weft_assert(queue->charged_bytes == 0 && !queue->is_under_way);
    weft_timer_cancel(host_of(queue)->timers, &queue->flush_timer);
    weft_timer_cancel(host_of(queue)->timers, &queue->stall_timer);
    weft_buffer_fini(&queue->gathering);
    free_writing(queue->writing);
}

enum weft_status weft_output_queue_admit(struct weft_output_queue *queue, const struct weft_batch *batch,
                                         struct weft_error *error)
{
    if (queue->exporter->is_open) {
        return WEFT_OK;
    }
    queue->counters.enqueue_failed += batch->weight;
    return weft_fail(error, WEFT_CLOSED, "%s: %s", queue->exporter->id,
                     queue->is_failing || queue->is_stalled ? queue->failure : "it is written to more slowly");
}

void weft_output_queue_take(struct weft_output_queue *queue, struct weft_batch **own_batch)
{
    struct weft_batch *batch = *own_batch;
    size_t gathered_bytes = waiting_bytes(queue);
    weft_assert(gathered_bytes >= queue->charged_bytes);
    *own_batch = NULL;
    weft_budget_charge(host_of(queue)->budget, gathered_bytes - queue->charged_bytes);
    queue->charged_bytes = gathered_bytes;
    queue->batch_bytes += batch->size_bytes;
    weft_host_book(host_of(queue), batch->outlet_flow, batch->weight);
    weft_list_push_back(&queue->batches, &batch->node);
    weft_batch_hand_over(batch, 0);
    flush_in_time(queue);
    update_openness(queue);
}

static void count_batches(const struct weft_list *batches, uint64_t *in_out_count)
{
    WEFT_LIST_EACH(node, batches)
    {
        *in_out_count += weft_batch_of(node)->weight;
    }
}

void weft_output_queue_audit(const struct weft_output_queue *queue, uint64_t *in_out_count)
{
    count_batches(&queue->written, in_out_count);
    count_batches(&queue->batches, in_out_count);
}

static void drop(struct weft_output_queue *queue, enum weft_drop_reason reason)
{
    struct weft_list batches;
    struct weft_list *node;
    weft_list_init(&batches);
    move_list(&queue->written, &batches);
    move_list(&queue->batches, &batches);
    struct weft_output_writing *writing = queue->writing;
    bool is_away = queue->is_under_way;
    if (is_away) {
        queue->charged_bytes -= writing->bytes.length;
        weft_budget_release(host_of(queue)->budget, writing->bytes.length);
        queue->writing = new_writing(queue);
        queue->is_under_way = false;
        weft_helper_leave(&writing->task);
    } else {
        empty(queue, &writing->bytes);
    }
    empty(queue, &queue->gathering);
    queue->batch_bytes = 0;
    weft_timer_cancel(host_of(queue)->timers, &queue->flush_timer);
    weft_timer_cancel(host_of(queue)->timers, &queue->stall_timer);
    while ((node = weft_list_pop_front(&batches)) != NULL) {
        struct weft_batch *batch = weft_batch_of(node);
        queue->counters.send_failed += batch->weight;
        weft_consumer_drop(queue->exporter, &batch,
                           reason == WEFT_DROP_RELOAD ? queue->reload_flow : queue->shutdown_flow, reason, NULL);
    }
}

static bool has_had_its_moment(struct weft_output_queue *queue)
{
    struct weft_monotonic now = weft_timers_now(host_of(queue)->timers);
    if (!queue->is_forced) {
        queue->is_forced = true;
        queue->forced = now;
    }
    return queue->is_stalled || queue->is_failing || now.ns - queue->forced.ns >= last_moment_ns;
}

void weft_output_queue_drain(struct weft_output_queue *queue, enum weft_drop_reason reason, bool is_forced)
{
    weft_assert(reason == WEFT_DROP_SHUTDOWN || reason == WEFT_DROP_RELOAD);
    flush(queue);
    if (is_forced && (has_had_its_moment(queue) || !queue->is_under_way)) {
        drop(queue, reason);
    }
}

void weft_output_queue_collect(const struct weft_output_queue *queue, enum weft_signal signal,
                               struct weft_samples *samples)
{
    const struct weft_sample_label *labels = WEFT_LABELS({ "exporter", queue->exporter->id });
    weft_exporter_collect(queue->exporter, signal, &queue->counters, samples);
    weft_samples_add(samples, "weft_exporter_output_waiting_bytes", "Text that waits to be written", WEFT_SAMPLE_GAUGE,
                     (double)waiting_bytes(queue), labels);
    weft_samples_add(samples, "weft_exporter_output_stalls", "Writes that took more than a second", WEFT_SAMPLE_COUNTER,
                     (double)queue->stalls, labels);
}

void weft_output_queue_check(const struct weft_output_queue *queue, char *out_text)
{
    snprintf(out_text, WEFT_CHECK_BYTES, "%s", queue->is_failing || queue->is_stalled ? queue->failure : "ok");
}
