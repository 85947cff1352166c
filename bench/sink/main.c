/* weft-sink: the OTLP backend of the bench. Prints one JSON object on stdout when it ends (SIGTERM, SIGINT,
 * --until-spans, --timeout-seconds). */
#include <stdio.h>
#include <string.h>

#include "lib/options.h"
#include "sink/serve.h"

int main(int argc, char **argv)
{
    static struct sink sink;
    struct sink_options options = { .listen = "127.0.0.1:4319",
                                    .refuse_status = 14,
                                    .stall_mode = "read",
                                    .pace_mode = "answer",
                                    .partial_rejected = 1 };
    const char *seen_path = NULL, *protocol = "grpc";
    const struct bench_option table[] = {
        { "listen", "host:port (127.0.0.1:4319)", .text = &options.listen },
        { "protocol", "grpc, or http: HTTP/1.1 with protobuf (grpc)", .text = &protocol },
        { "counters", "host:port where each connection gets the live counters as JSON", .text = &options.counters },
        { "refuse-every", "refuse every Nth request", .number = &options.refuse_every },
        { "refuse-percent", "refuse so many of a hundred requests", .real = &options.refuse_percent },
        { "refuse-status", "with this grpc-status, over http its code (14)", .number = &options.refuse_status },
        { "refuse-from", "only from so many seconds after the first request", .real = &options.refuse_from_seconds },
        { "refuse-until", "and only until so many", .real = &options.refuse_until_seconds },
        { "retry-after-ms", "send RetryInfo (http: Retry-After) with refusals", .number = &options.retry_after_ms },
        { "partial-every", "answer every Nth request with partial_success", .number = &options.partial_every },
        { "partial-rejected", "rejecting so many of its spans (1)", .number = &options.partial_rejected },
        { "stall-at", "stall so many seconds after the first request", .real = &options.stall_at_seconds },
        { "stall-seconds", "for so long", .real = &options.stall_seconds },
        { "stall-mode", "read: stop reading; answer: read, answer afterwards (read)", .text = &options.stall_mode },
        { "max-rate", "take at most so many spans a second", .real = &options.max_rate },
        { "pace-mode", "answer: delay answers; read: stop reading (answer)", .text = &options.pace_mode },
        { "until-spans", "end after so many spans", .number = &options.until_spans },
        { "timeout-seconds", "end after so long", .real = &options.timeout_seconds },
        { "no-hash", "do not hash the spans (cheaper sink)", .flag = &options.is_hash_skipped },
        { "seen-out", "write which spans were seen, for check.py", .text = &seen_path },
        { NULL },
    };
    bench_options_parse(table, "weft-sink: OTLP backend that keeps books", argc, argv);
    options.protocol = bench_protocol_parse(protocol);
    if (options.protocol == NULL) {
        bench_die("weft-sink: --protocol is grpc or http");
    }
    sink_run(&sink, &options);
    sink_print(&sink, stdout);
    if (seen_path != NULL) {
        ledger_write(&sink.ledger, seen_path);
    }
    bench_end();
}
