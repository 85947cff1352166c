/* Names, accounts and small steps that all exporters share (exporter.h). */
#include "pipeline/exporter.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/log.h"
#include "net/header.h"

enum { MAX_LOGGED_BYTES = 300 };

struct weft_account weft_exporter_account(enum weft_signal signal, const char *id)
{
    return (struct weft_account){
        .kind = WEFT_ACCOUNT_QUEUED, .signal = weft_signal_name(signal), .pipeline = "", .owner = id
    };
}

weft_flow_id weft_exporter_sent_flow(const struct weft_consumer *exporter)
{
    weft_assert(exporter->held_account.kind == WEFT_ACCOUNT_QUEUED);
    struct weft_account sent = exporter->held_account;
    sent.kind = WEFT_ACCOUNT_SENT;
    return weft_ledger_flow(exporter->host->ledger, &exporter->held_account, &sent);
}

void weft_exporter_delivered(const struct weft_consumer *exporter, weft_flow_id sent_flow,
                             struct weft_batch **own_batch)
{
    weft_check_magic(*own_batch, batch);
    weft_assert(weft_list_is_empty(&(*own_batch)->node));
    weft_host_book(exporter->host, (*own_batch)->outlet_flow, (*own_batch)->weight);
    weft_host_book(exporter->host, sent_flow, (*own_batch)->weight);
    weft_batch_end(own_batch, NULL, -1);
}

enum weft_status weft_exporter_flatten(const struct weft_batch *batch, struct weft_buffer *scratch,
                                       struct weft_slice *out_request, struct weft_error *error)
{
    weft_buffer_clear(scratch);
    if (batch->part_count == 1 && !batch->parts[0].is_open) {
        *out_request = weft_payload_slice(batch->parts[0].payload);
        return WEFT_OK;
    }
    struct weft_slices slices;
    weft_slices_init(&slices);
    struct weft_arena *framing = weft_arena_try_new_charged(batch->budget, 0);
    enum weft_status status = framing == NULL ? WEFT_NOMEM : weft_batch_emit(batch, framing, &slices);
    for (size_t i = 0; status == WEFT_OK && i < slices.count; i++) {
        weft_buffer_append(scratch, slices.items[i].bytes, slices.items[i].length);
    }
    weft_slices_fini(&slices);
    weft_arena_unref(&framing);
    if (status != WEFT_OK || weft_buffer_status(scratch) != WEFT_OK) {
        return weft_fail(error, WEFT_NOMEM, "no memory to gather a request");
    }
    *out_request = weft_buffer_slice(scratch);
    return WEFT_OK;
}

uint64_t weft_exporter_take_partial_success(const struct weft_consumer *exporter,
                                            const struct weft_partial_success *partial)
{
    if (partial->rejected_count > 0 || partial->message.length > 0) {
        struct weft_slice message = partial->message;
        message.length = message.length > MAX_LOGGED_BYTES ? MAX_LOGGED_BYTES : message.length;
        weft_log(WARN, "export.partial_success", "the backend rejected records or warned",
                 WEFT_LOG_STRING("exporter", exporter->id), WEFT_LOG_INT("rejected", partial->rejected_count),
                 WEFT_LOG_SLICE("error", message));
    }
    return partial->rejected_count;
}

static void add_items(const struct weft_consumer *exporter, enum weft_signal signal, const char *what, const char *help,
                      uint64_t value, struct weft_samples *samples)
{
    char name[96];
    snprintf(name, sizeof name, "otelcol_exporter_%s_%s", what, weft_signal_items_name(signal));
    weft_samples_add(samples, name, help, WEFT_SAMPLE_COUNTER, (double)value,
                     WEFT_LABELS({ "exporter", exporter->id }));
}

void weft_exporter_collect(const struct weft_consumer *exporter, enum weft_signal signal,
                           const struct weft_sender_counters *counters, struct weft_samples *samples)
{
    add_items(exporter, signal, "sent", "Number of items successfully sent to destination", counters->sent, samples);
    add_items(exporter, signal, "send_failed", "Number of items in failed attempts to send to destination",
              counters->send_failed, samples);
    add_items(exporter, signal, "enqueue_failed", "Number of items failed to be added to the sending queue",
              counters->enqueue_failed, samples);
    add_items(exporter, signal, "rejected", "Number of items that the destination rejected (partial_success included)",
              counters->rejected, samples);
}

void weft_exporter_collect_sender(const struct weft_consumer *exporter, enum weft_signal signal,
                                  const struct weft_sender *sender, struct weft_samples *samples)
{
    const struct weft_sender_counters *counters = weft_sender_read_counters(sender);
    weft_exporter_collect(exporter, signal, counters, samples);
    const struct weft_sample_label *labels =
        WEFT_LABELS({ "exporter", exporter->id }, { "data_type", weft_signal_name(signal) });
    weft_samples_set(samples, "otelcol_exporter_queue_size", "Current size of the sending queue", WEFT_SAMPLE_GAUGE,
                     (double)weft_sender_queue_size(sender), labels);
    weft_samples_set(samples, "otelcol_exporter_queue_capacity", "Fixed capacity of the sending queue",
                     WEFT_SAMPLE_GAUGE, (double)weft_sender_queue_capacity(sender), labels);
    weft_samples_add(samples, "otelcol_exporter_in_flight_requests", "Requests to the destination under way",
                     WEFT_SAMPLE_GAUGE, (double)counters->in_flight_requests, labels);
    weft_samples_add(samples, "weft_exporter_retries", "Attempts after the first", WEFT_SAMPLE_COUNTER,
                     (double)counters->retries, labels);
    weft_samples_add(samples, "weft_exporter_halved", "Requests that were cut in two because they were refused",
                     WEFT_SAMPLE_COUNTER, (double)counters->halved, labels);
    weft_samples_add(samples, "weft_exporter_batches_crowded_out",
                     "Batches that went early, since too many combinations of metadata had begun one",
                     WEFT_SAMPLE_COUNTER, (double)counters->crowded_out, labels);
}

void weft_exporter_collect_connections(const struct weft_consumer *exporter,
                                       const struct weft_exporter_connections *connections,
                                       struct weft_samples *samples)
{
    const struct weft_sample_label *labels = WEFT_LABELS({ "exporter", exporter->id });
    weft_samples_add(samples, "weft_exporter_connections", "Connections to the destination that are ready",
                     WEFT_SAMPLE_GAUGE, (double)connections->ready, labels);
    weft_samples_add(samples, "weft_exporter_connect_failures", "Attempts to connect that failed", WEFT_SAMPLE_COUNTER,
                     (double)connections->connect_failures, labels);
    weft_samples_add(samples, "weft_exporter_addresses", "Addresses of the destination, as last looked up",
                     WEFT_SAMPLE_GAUGE, (double)connections->addresses, labels);
    weft_samples_add(samples, "weft_exporter_addresses_left_out", "Of these, that cannot be reached at present",
                     WEFT_SAMPLE_GAUGE, (double)connections->addresses_left_out, labels);
    weft_samples_add(samples, "weft_exporter_sent_bytes", "Bytes written to the destination", WEFT_SAMPLE_COUNTER,
                     (double)connections->sent_bytes, labels);
}

bool weft_exporter_may_send_header(const struct weft_config_map_entry *header)
{
    return weft_header_is_valid(header->key, header->value);
}

enum weft_status weft_exporter_advise_headers(const struct weft_config_map *headers, const struct weft_node *block,
                                              struct weft_config_notes *notes)
{
    const struct weft_node *node = weft_node_find(block, "headers");
    enum weft_status status = WEFT_OK;
    for (size_t i = 0; i < headers->count && status == WEFT_OK; i++) {
        if (weft_exporter_may_send_header(&headers->entries[i])) {
            continue;
        }
        struct weft_error line;
        weft_node_fail(&line, WEFT_INVALID, node,
                       "\"%.100s\" is not sent: it is no name of a header, or its value has a control character",
                       headers->entries[i].key);
        status = weft_config_notes_add(notes, WEFT_NOTE_WARNING, "%s", line.text);
    }
    return status;
}

void weft_exporter_check(const struct weft_sender *sender, uint64_t connections_ready, const char *failure, size_t size,
                         char *out_text)
{
    const char *rejection = weft_sender_rejection(sender);
    bool is_away = connections_ready == 0 && failure[0] != '\0';
    snprintf(out_text, size, "%s", is_away ? failure : rejection != NULL ? rejection : "ok");
}
