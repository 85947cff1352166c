/* The audit: recounts what a graph's consumers hold and compares it with the worker's books (graph.h). Run between
 * ticks, when nothing is in flight: a batch is then in a consumer that books it, or nowhere. */
#include "base/alloc.h"
#include "base/assert.h"
#include "base/log.h"
#include "graph/graph_internal.h"

static void add_consumer(struct weft_audit *audit, const struct weft_consumer *consumer)
{
    if (consumer->operations->audit != NULL) {
        uint64_t held = 0;
        consumer->operations->audit(consumer, &held);
        weft_audit_add(audit, &consumer->held_account, held);
    }
}

void weft_graph_audit(const struct weft_graph *graph, struct weft_audit *audit)
{
    weft_assert(weft_host_is_here(graph->host));
    for (size_t i = 0; i < graph->pipeline_count; i++) {
        const struct graph_pipeline *pipeline = graph->pipelines[i];
        weft_audit_add(audit, &pipeline->in_flight, 0);
        for (size_t j = 0; j < pipeline->processor_count; j++) {
            add_consumer(audit, pipeline->processors[j]);
        }
        if (pipeline->fan_out != NULL) {
            add_consumer(audit, pipeline->fan_out);
        }
    }
    for (size_t i = 0; i < graph->exporter_count; i++) {
        add_consumer(audit, graph->exporters[i]->consumer);
    }
}

void weft_graph_audit_stages(const struct weft_host *host, struct weft_audit *audit)
{
    weft_assert(weft_host_is_here(host));
    for (const struct weft_stage *stage = host->stages; stage != NULL; stage = stage->next) {
        stage->operations->audit(stage, audit);
    }
}

size_t weft_audit_check(const struct weft_audit *audit, const struct weft_host *host, struct weft_buffer *out_text)
{
    weft_assert(weft_host_is_here(host));
    size_t disagreements = 0;
    for (size_t i = 0; i < audit->count; i++) {
        const struct weft_audit_line *line = &audit->lines[i];
        int64_t booked = weft_ledger_worker_balance(host->ledger, host->books, &line->account);
        if (booked == (int64_t)line->held) {
            continue;
        }
        disagreements++;
        weft_log(ERROR, "ledger.disagrees", "the books and the structures disagree",
                 WEFT_LOG_STRING("pipeline", line->account.pipeline), WEFT_LOG_STRING("owner", line->account.owner),
                 WEFT_LOG_INT("booked", booked), WEFT_LOG_INT("held", line->held));
        if (out_text != NULL) {
            weft_buffer_append_format(out_text, "%s{\"worker\":%u,\"signal\":\"%s\",\"pipeline\":",
                                      out_text->length > 0 ? "," : "", host->worker_index, line->account.signal);
            weft_buffer_append_json_string(out_text, weft_slice_of_text(line->account.pipeline));
            weft_buffer_append_text(out_text, ",\"owner\":");
            weft_buffer_append_json_string(out_text, weft_slice_of_text(line->account.owner));
            weft_buffer_append_format(out_text, ",\"booked\":%lld,\"held\":%llu}", (long long)booked,
                                      (unsigned long long)line->held);
        }
    }
    return disagreements;
}
