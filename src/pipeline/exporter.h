#pragma once

#include "config/field.h"
#include "pipeline/samples.h"
#include "pipeline/sender.h"
#include "wire/rpc_status.h"

/* Whether a header of the config can be sent: its name is a token of HTTP, its value has no control character. The
 * Collector takes any name, and what it then sends is refused or cut off; weft leaves such a header out. */
bool weft_exporter_may_send_header(const struct weft_config_map_entry *header);

/* Notes each header that is left out. block: the exporter's, with the key `headers`. */
enum weft_status weft_exporter_advise_headers(const struct weft_config_map *headers, const struct weft_node *block,
                                              struct weft_config_notes *notes) WEFT_MUST_CHECK;

/* What every exporter does the same way: its account, its small steps, and its metrics under the Collector's names. */
struct weft_account weft_exporter_account(enum weft_signal signal, const char *id);
weft_flow_id weft_exporter_sent_flow(const struct weft_consumer *exporter);

/* The end of a batch that the exporter has delivered within consume: it has no queue, but the books show the way there.
 */
void weft_exporter_delivered(const struct weft_consumer *exporter, weft_flow_id sent_flow,
                             struct weft_batch **own_batch);

/* The batch's export request in one piece: the payload itself where it is whole, else written to scratch (cleared
 * first). The slice lives as long as both. WEFT_NOMEM only. */
enum weft_status weft_exporter_flatten(const struct weft_batch *batch, struct weft_buffer *scratch,
                                       struct weft_slice *out_request, struct weft_error *error) WEFT_MUST_CHECK;

/* Logs what the backend says of a request that it took in part; the rejected records, for the push's outcome. */
uint64_t weft_exporter_take_partial_success(const struct weft_consumer *exporter,
                                            const struct weft_partial_success *partial);

void weft_exporter_collect(const struct weft_consumer *exporter, enum weft_signal signal,
                           const struct weft_sender_counters *counters, struct weft_samples *samples);

/* The same plus the queue's size and capacity. */
void weft_exporter_collect_sender(const struct weft_consumer *exporter, enum weft_signal signal,
                                  const struct weft_sender *sender, struct weft_samples *samples);

/* What /ready says of a client: why it has no connection, else the last refusal, else "ok". failure: of the last
 * connection; "" = none. */
void weft_exporter_check(const struct weft_sender *sender, uint64_t connections_ready, const char *failure, size_t size,
                         char *out_text);

/* The numbers of a client with connections. */
struct weft_exporter_connections {
    uint64_t ready, connect_failures, sent_bytes, addresses, addresses_left_out;
};
void weft_exporter_collect_connections(const struct weft_consumer *exporter,
                                       const struct weft_exporter_connections *connections,
                                       struct weft_samples *samples);
