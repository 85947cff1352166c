/* weft-load: the OTLP generator. Reads a payload shape, runs one load, prints one JSON object on stdout. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/connection.h"
#include "lib/options.h"
#include "lib/sequence.h"
#include "load/files.h"
#include "load/json.h"
#include "load/run.h"

static void print_refused(const struct load_account *account)
{
    const char *separator = "";
    printf("  \"refused\": {");
    for (int i = 0; i < LOAD_STATUS_COUNT; i++) {
        if (account->refused_requests[i] > 0) {
            printf("%s\"%d\": %" PRIu64, separator, i, account->refused_requests[i] * account->spans_per_request);
            separator = ", ";
        }
    }
    printf("},\n  \"refused_requests_with_details\": %" PRIu64 ",\n", account->refused_with_details);
}

static void print_latency(const struct bench_histogram *latency)
{
    static const struct {
        const char *name;
        double fraction;
    } rows[] = { { "p50", 0.5 }, { "p90", 0.9 }, { "p99", 0.99 }, { "p99_9", 0.999 } };
    printf("  \"latency_ms\": {");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        printf("\"%s\": %.3f, ", rows[i].name, (double)bench_histogram_quantile_ns(latency, rows[i].fraction) / 1e6);
    }
    printf("\"max\": %.3f, \"count\": %" PRIu64 "}\n", (double)latency->max_ns / 1e6, latency->count);
}

static void print_summary(const struct load_options *options, const struct load_account *account,
                          const struct load_result *result)
{
    uint64_t spans = account->spans_per_request;
    double cpu = result->cpu_user_seconds + result->cpu_system_seconds;
    uint64_t sent = account->sent_requests * spans;
    printf("{\n  \"mode\": \"%s\",\n  \"loop\": \"%s\",\n  \"compression\": \"%s\",\n",
           account->cycle_count > 0 ? "cycled" : "unique", options->rate > 0 ? "open" : "closed",
           bench_encoding_name(options->encoding));
    printf("  \"spans_per_request\": %" PRIu64 ",\n  \"plain_bytes_per_span\": %.1f,\n", spans,
           (double)result->message_bytes / (double)spans);
    printf("  \"wire_bytes_per_span\": %.1f,\n", sent > 0 ? (double)account->sent_bytes / (double)sent : 0.0);
    printf("  \"sent\": %" PRIu64 ",\n  \"sent_bytes\": %" PRIu64 ",\n", sent, account->sent_bytes);
    printf("  \"acknowledged\": %" PRIu64 ",\n", account->acknowledged_requests * spans);
    printf("  \"partial\": %" PRIu64 ",\n  \"partial_rejected\": %" PRIu64 ",\n", account->partial_requests * spans,
           account->partial_rejected_spans);
    print_refused(account);
    printf("  \"failed\": %" PRIu64 ",\n  \"unsent\": %" PRIu64 ",\n  \"connection_losses\": %" PRIu64 ",\n",
           account->failed_requests * spans, result->unsent_requests * spans, result->connection_losses);
    printf("  \"hash\": \"%016" PRIx64 "\",\n  \"tree_hash\": \"%016" PRIx64 "\",\n", account->acknowledged_hash.spans,
           account->acknowledged_hash.tree);
    printf("  \"elapsed_seconds\": %.6f,\n  \"spans_per_second\": %.0f,\n", result->elapsed_seconds,
           result->elapsed_seconds > 0
               ? (double)account->acknowledged_requests * (double)spans / result->elapsed_seconds
               : 0.0);
    printf("  \"cpu_user_seconds\": %.6f,\n  \"cpu_system_seconds\": %.6f,\n  \"cpu_us_per_span\": %.4f,\n",
           result->cpu_user_seconds, result->cpu_system_seconds, sent > 0 ? cpu * 1e6 / (double)sent : 0.0);
    print_latency(&account->latency);
    printf("}\n");
}

static void dump(const struct load_options *options, const struct shape *shape, uint64_t spans, const char *path)
{
    struct template made = template_build(shape, spans, options->seed, bench_protocol_prefix(options->protocol));
    template_patch(&made, made.request.bytes, BENCH_SEQUENCE_UNIQUE, shape->spans_per_trace, options->seed,
                   bench_wall_ns());
    if (options->is_json) {
        struct json_template json = json_build(&made);
        json_patch(&json, json.text.bytes, &made, made.request.bytes);
        bench_bytes_write_file(path, json.text.bytes, json.text.length);
        return;
    }
    bench_bytes_write_file(path, made.request.bytes, made.request.length);
}

/* Beside the spans of traces that are dealt. */
struct logs_wanted {
    const char *path; /* NULL: no lines */
    uint64_t per_span;
    uint64_t traces_per_job;
    bool is_job_kept_whole;
};

/* NULL: traces lie whole and side by side, as the shape says. */
static const struct traces *traces_wanted(const struct load_options *options, const struct shape *shape, uint64_t size,
                                          uint64_t spans_per_request, const struct logs_wanted *logs)
{
    static struct traces traces;
    if (size == 0 && (logs->path != NULL || logs->traces_per_job > 0)) {
        bench_die("weft-load: --logs and --traces-per-job need --trace-size");
    }
    if (size == 0) {
        return NULL;
    }
    if (logs->is_job_kept_whole && logs->traces_per_job == 0) {
        bench_die("weft-load: --jobs-whole needs --traces-per-job");
    }
    if (options->is_json || options->encoding != BENCH_ENCODING_NONE) {
        bench_die("weft-load: --trace-size is for protobuf without compression");
    }
    traces = traces_of(size, spans_per_request, shape->resources, options->seed);
    traces_add_lines(&traces, logs->path == NULL ? 0 : logs->per_span, logs->traces_per_job, logs->is_job_kept_whole);
    return &traces;
}

static const struct lines_form *lines_wanted(const struct load_options *options, const char *path, uint64_t trace_size)
{
    static struct lines_form form;
    if (path == NULL) {
        return NULL;
    }
    if ((options->protocol != &bench_protocol_http1 && options->files == NULL) || options->is_json || trace_size > 0 ||
        options->encoding != BENCH_ENCODING_NONE) {
        bench_die("weft-load: --lines is for http and --files, without --encoding, --compression and --trace-size");
    }
    form = lines_read(path);
    return &form;
}

int main(int argc, char **argv)
{
    struct load_options options = { .target = "127.0.0.1:4317",
                                    .connections = 4,
                                    .in_flight = 16,
                                    .drain_seconds = 10,
                                    .cycle_count = 64,
                                    .frame_bytes = 16384,
                                    .file_count = 10,
                                    .seed = 1 };
    const char *shape_path = NULL, *compression = "none", *acknowledged_path = NULL, *dump_path = NULL;
    const char *protocol = "grpc", *encoding = "protobuf";
    const char *kept_path = NULL, *progress_path = NULL, *lines_path = NULL;
    uint64_t spans_per_request = 0, level = 0, trace_size = 0;
    struct logs_wanted logs = { .per_span = 5 };
    bool is_hash_skipped = false;
    const struct bench_option table[] = {
        { "target", "host:port of the OTLP receiver (127.0.0.1:4317)", .text = &options.target },
        { "protocol", "grpc, or http: HTTP/1.1, one request a connection at a time (grpc)", .text = &protocol },
        { "encoding", "protobuf, or json (http only; hashes stay those of the protobuf)", .text = &encoding },
        { "payload", "the .shape file (required)", .text = &shape_path },
        { "lines", "a .lines file: log lines over http in place of --payload", .text = &lines_path },
        { "files", "a directory: the lines are appended to files in it, and nobody is called", .text = &options.files },
        { "file-count", "of --files (10)", .number = &options.file_count },
        { "spans-per-request", "instead of the shape's own number", .number = &spans_per_request },
        { "connections", "TCP connections (4)", .number = &options.connections },
        { "in-flight", "unanswered requests per connection, over http always 1 (16)", .number = &options.in_flight },
        { "rate", "spans a second, open loop; 0 = closed loop (0)", .real = &options.rate },
        { "spans", "stop after so many spans", .number = &options.spans },
        { "seconds", "stop after so many seconds", .real = &options.seconds },
        { "warmup-seconds", "leave these out of the latencies (0)", .real = &options.warmup_seconds },
        { "drain-seconds", "wait so long for the last answers (10)", .real = &options.drain_seconds },
        { "compression", "none, gzip or zstd; the latter two cycle a prepared set (none)", .text = &compression },
        { "level", "of the compression; 0 = gzip: ISA-L 1, zstd: 1 (0)", .number = &level },
        { "cycle", "distinct requests in the prepared set (64)", .number = &options.cycle_count },
        { "frame-bytes", "largest DATA frame; most SDKs send 16384 (16384)", .number = &options.frame_bytes },
        { "seed", "of contents and trace ids (1)", .number = &options.seed },
        { "no-hash", "do not hash the spans (cheaper generator)", .flag = &is_hash_skipped },
        { "reconnect", "open lost connections again", .flag = &options.is_reconnecting },
        { "trace-size", "deal traces of so many spans to requests, a tenth to be kept (load/traces.h)",
          .number = &trace_size },
        { "logs", "a .shape file of log records: requests of them follow those of spans (load/traces.h)",
          .text = &logs.path },
        { "logs-per-span", "of --logs (5)", .number = &logs.per_span },
        { "traces-per-job", "so many share a job_id; 0 = there are none (0)", .number = &logs.traces_per_job },
        { "jobs-whole", "a tail sampler keeps a job whole or not at all", .flag = &logs.is_job_kept_whole },
        { "sampled", "the hash is of the spans that a tail sampler keeps", .flag = &options.is_sampled },
        { "kept-out", "write which spans a tail sampler keeps, for check.py", .text = &kept_path },
        { "progress", "a file that shows the number of acknowledged spans while the load runs",
          .text = &progress_path },
        { "acknowledged-out", "write which spans were acknowledged, for check.py", .text = &acknowledged_path },
        { "dump", "write one request (over grpc with its prefix) to this file and exit", .text = &dump_path },
        { NULL },
    };
    bench_options_parse(table, "weft-load: OTLP load generator", argc, argv);
    options.encoding = bench_encoding_parse(compression, strlen(compression));
    options.protocol = bench_protocol_parse(protocol);
    options.is_json = strcmp(encoding, "json") == 0;
    if (options.protocol == NULL || (!options.is_json && strcmp(encoding, "protobuf") != 0) ||
        (options.is_json && options.protocol != &bench_protocol_http1)) {
        bench_die("weft-load: --protocol is grpc or http, --encoding is protobuf or, over http, json");
    }
    options.in_flight = options.protocol == &bench_protocol_http1 ? 1 : options.in_flight;
    options.level = (int)level;
    options.is_hashing = !is_hash_skipped;
    if ((shape_path == NULL) == (lines_path == NULL) || options.encoding == BENCH_ENCODING_UNKNOWN ||
        options.connections == 0 || options.in_flight == 0 || options.cycle_count == 0) {
        bench_die("weft-load: --payload or --lines is required; see --help");
    }
    struct shape shape = shape_path != NULL ? shape_read(shape_path) : (struct shape){ .spans = 1000 };
    spans_per_request = spans_per_request > 0 ? spans_per_request : shape.spans;
    options.lines = lines_wanted(&options, lines_path, trace_size);
    if (dump_path != NULL && options.lines != NULL) {
        struct lines_template made = lines_build(options.lines, spans_per_request, options.seed);
        lines_patch(&made, made.text.bytes, 0, options.seed);
        bench_bytes_write_file(dump_path, made.text.bytes, made.text.length);
        bench_end();
    }
    if (dump_path != NULL) {
        dump(&options, &shape, spans_per_request, dump_path);
        bench_end();
    }
    if (options.spans == 0 && options.seconds <= 0) {
        bench_die("weft-load: --spans or --seconds is required");
    }
    options.traces = traces_wanted(&options, &shape, trace_size, spans_per_request, &logs);
    struct shape log_shape = logs.path != NULL ? shape_read(logs.path) : (struct shape){ 0 };
    options.log_shape = &log_shape;
    struct load_account *account =
        account_new(spans_per_request, options.encoding == BENCH_ENCODING_NONE ? 0 : options.cycle_count);
    if (progress_path != NULL) {
        account_show(account, progress_path);
    }
    if (options.files != NULL && options.lines == NULL) {
        bench_die("weft-load: --files needs --lines");
    }
    struct load_result result =
        options.files != NULL ? files_run(&options, account) : load_run(&options, &shape, account);
    print_summary(&options, account, &result);
    if (acknowledged_path != NULL) {
        account_write(account, acknowledged_path);
    }
    if (kept_path != NULL && options.traces != NULL) {
        traces_write_kept(options.traces, account->sent_requests * spans_per_request, kept_path);
    }
    bench_end();
}
