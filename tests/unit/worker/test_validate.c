/* What loads and what does not, as `weft validate` and the agent see it: the rules of the Collector's config, one row
 * each. A row that fails says at which line, and a part of why. Nothing is opened. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "graph/plan.h"
#include "suite.h"
#include "worker/agent.h"
#include "worker/telemetry_config.h"
#include "worker/worker_config.h"

/* The parts of a config, one line each, so that lines can be counted on: receivers are line 1. */
#define R               "receivers: {otlp: {protocols: {grpc: }}}\n"
#define P               "processors: {batch: }\n"
#define E               "exporters: {otlp: {endpoint: \"backend:4317\"}}\n"
#define S               "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}}}\n"
#define RECEIVER(block) "receivers: {otlp: " block "}\n" P E S
#define GRPC(block)     RECEIVER("{protocols: {grpc: " block "}}")
#define HTTP(block)     RECEIVER("{protocols: {http: " block "}}")
#define BATCH(block)    R "processors: {batch: " block "}\n" E S
#define EXPORTER(block) R P "exporters: {otlp: " block "}\n" S
#define OTLP(more)      EXPORTER("{endpoint: \"backend:4317\", " more "}")
#define QUEUE(block)    OTLP("sending_queue: " block)
#define RETRY(block)    OTLP("retry_on_failure: " block)
#define SAMPLED(receiver, signal)                                                   \
    "processors: {tail_sampling: {policies: [{name: all, type: always_sample}]}}\n" \
    "service: {pipelines: {" signal "/x: {receivers: [" receiver                    \
    "], processors: [tail_sampling], exporters: [otlp]}, "                          \
    "traces: {receivers: [otlp], processors: [tail_sampling], exporters: [otlp]}}}\n"
#define SERVICE(block)   R P E "service: " block "\n"
#define PIPELINES(block) SERVICE("{pipelines: " block "}")
#define TELEMETRY(block) \
    R P E "service: {telemetry: " block ", pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}\n"
#define WORKERS(count) SERVICE("{workers: " count ", pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}")
#define WAKE(interval) \
    SERVICE("{wake_interval: " interval ", pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}")
#define BEGUN(key, value) \
    SERVICE("{max_begun_" key ": " value ", pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}")
#define OTHER_EXPORTER(id, block) \
    R "exporters:\n  " id ": " block "\nservice: {pipelines: {traces: {receivers: [otlp], exporters: [" id "]}}}\n"
#define OTHER_PROCESSOR(id, block)                                                                                \
    R "processors:\n  " id ": " block "\n" E "service: {pipelines: {traces: {receivers: [otlp], processors: [" id \
      "], exporters: [otlp]}}}\n"

#define DELETES "actions: [{key: a, action: delete}]"

/* What is wrong is that something is not there: the error names the file, no line. */
enum { WHOLE_FILE = 1000000 };

struct row {
    const char *yaml;
    unsigned line;    /* 0: it loads */
    const char *text; /* in the error; NULL when it loads */
};

static const struct row good_rows[] = {
    /* What the Collector takes, in forms that are rare */
    { RETRY("{multiplier: 0}") },
    { QUEUE("{sizer: items, batch: }") },
    { GRPC("{transport: tcp4}") },
    { GRPC("{transport: tcp6}") },
    { OTHER_EXPORTER("debug", "{sending_queue: {enabled: true}}") },
    { EXPORTER("{endpoint: \"dns://8.8.8.8/backend:4317\"}") },
    { TELEMETRY("{metrics: {address: \"localhost:8888\"}}") },
    { TELEMETRY("{resource: {attributes: [{name: service.name, value: x}]}}") },
    /* 1.0: mechanics */
    { R P E S },
    { "receivers:\n  otlp:\n    protocols:\n      grpc:\nexporters:\n  nop:\nservice:\n  pipelines:\n    logs:\n"
      "      receivers: [otlp]\n      exporters: [nop]\n" },
    { "{\"receivers\": {\"otlp\": {\"protocols\": {\"grpc\": {}}}}, \"exporters\": {\"nop\": null}, \"service\": "
      "{\"pipelines\": {\"metrics\": {\"receivers\": [\"otlp\"], \"exporters\": [\"nop\"]}}}}" },
    { "receivers: {otlp/a: {protocols: {grpc: }}, otlp/b_2.x: {protocols: {http: }}}\nexporters: {nop/x: , nop: }\n"
      "service: {pipelines: {traces/1: {receivers: [otlp/a, otlp/b_2.x], exporters: [nop/x, nop]}, "
      "logs/1: {receivers: [otlp/a], exporters: [nop]}}}\n" },
    { PIPELINES("{traces: {receivers: [otlp], processors: , exporters: [otlp]}}") },
    { PIPELINES("{traces: {receivers: [otlp], processors: [], exporters: [otlp]}}") },
    { "connectors:\nextensions:\n" R P E S },
    { "receivers: {otlp: {protocols: {grpc: }}, otlp/unused: {protocols: {grpc: }}}\nprocessors: {batch: , "
      "batch/unused: }\n" E S },
    { BATCH("{timeout: 1h2m3.5s}") },
    { BATCH("{timeout: 300ms, send_batch_size: 0x10}") },
    { BATCH("{timeout: 200000000}") },
    { BATCH("{}") },
    { BATCH("{send_batch_size: \"${env:WEFT_TEST_UNSET:-100}\"}") },
    { BATCH("{send_batch_size: \"${env:WEFT_TEST_NUMBER}\"}") },
    { BATCH("{send_batch_size: \"${WEFT_TEST_NUMBER}\"}") },
    { BATCH("{send_batch_size: \"${env:WEFT_TEST_UNSET:-${env:WEFT_TEST_NUMBER}}\"}") },
    { OTLP("headers: {number: \"${env:WEFT_TEST_NUMBER}\", dollar: a$$b, empty: \"${env:WEFT_TEST_UNSET}\"}") },
    /* 1.0: shared blocks */
    { OTLP("headers: [{name: a, value: b}]") },
    { OTLP(
        "tls: {insecure: true}, compression: zstd, timeout: 0s, wait_for_ready: true, authority: a, user_agent: b") },
    { OTLP("tls: {ca_file: /ca, cert_file: /cert, key_file: /key, min_version: \"1.3\", reload_interval: 1h, "
           "server_name_override: x, insecure_skip_verify: true}") },
    { OTLP("keepalive: {time: 10s, timeout: 5s, permit_without_stream: true}, balancer_name: round_robin") },
    { OTLP("compression: none, read_buffer_size: 1, write_buffer_size: 2") },
    { OTLP("compression: \"\"") },
    { EXPORTER("{endpoint: \"http://backend:4317\"}") },
    { EXPORTER("{endpoint: \"https://backend:4317\"}") },
    { EXPORTER("{endpoint: \"dns:///backend:4317\"}") },
    { EXPORTER("{endpoint: \"unix:///run/backend.sock\"}") },
    { EXPORTER("{endpoint: \"[::1]:4317\"}") },
    { QUEUE("{enabled: false}") },
    { QUEUE("{enabled: false, queue_size: 5}") },
    { QUEUE("") },
    { QUEUE("{enabled: true, num_consumers: 1, queue_size: 1, sizer: bytes, block_on_overflow: true, wait_for_result: "
            "true}") },
    { QUEUE("{batch: }") },
    { QUEUE(
        "{sizer: items, queue_size: 10000, batch: {flush_timeout: 1s, min_size: 10, max_size: 10, sizer: bytes}}") },
    { RETRY("{enabled: false}") },
    { RETRY(
        "{initial_interval: 1s, randomization_factor: 0, multiplier: 1.1, max_interval: 2s, max_elapsed_time: 0s}") },
    { RETRY("{initial_interval: 1s, randomization_factor: 1, max_interval: 2s, max_elapsed_time: 2s}") },
    /* 1.1: otlp receiver */
    { GRPC("{}") },
    { HTTP("") },
    { RECEIVER("{protocols: {grpc: , http: }}") },
    { GRPC("{endpoint: \":4317\", max_recv_msg_size_mib: 64, max_concurrent_streams: 10, include_metadata: true}") },
    { GRPC("{endpoint: /run/weft.sock, transport: unix}") },
    { GRPC("{keepalive: {server_parameters: {max_connection_age: 1m, time: 1m, timeout: 2s}, "
           "enforcement_policy: {min_time: 1s, permit_without_stream: true}}}") },
    { GRPC("{auth: , middlewares: []}") },
    { BATCH("{metadata_keys: []}") },
    { OTHER_EXPORTER("file", "{path: /tmp/x.json, group_by: {enabled: false}}") },
    { GRPC("{tls: }") }, /* null: plaintext */
    { HTTP("{tls: , cors: }") },
    { GRPC("{tls: {cert_file: /cert, key_file: /key, client_ca_file: /ca, client_ca_file_reload: true}}") },
    { HTTP("{endpoint: 0.0.0.0:4318, traces_url_path: v1/x, max_request_body_size: 1000, "
           "cors: {allowed_origins: [\"https://*.example.com\"], max_age: 7200}, read_timeout: 1s}") },
    { RECEIVER("{protocols: {grpc: }, acknowledge: delivered, refuse_after: 1s, retry_after: 2s}") },
    /* 1.10: batch */
    { BATCH("{timeout: 0s, send_batch_size: 0, send_batch_max_size: 100}") },
    { BATCH("{send_batch_size: 100, send_batch_max_size: 100, metadata_cardinality_limit: 1000}") },
    /* 1.6: attributes; one that no pipeline names has no signal that its properties must fit */
    { OTHER_PROCESSOR("attributes", "{include: {match_type: strict, span_names: [a]}, " DELETES "}") },
    { OTHER_PROCESSOR("attributes", "{include: , exclude: , " DELETES "}") },
    { R "processors: {batch: , attributes: {include: {match_type: strict, log_bodies: [a]}, " DELETES "}}\n" E S },
    /* 1.11: memory_limiter */
    { OTHER_PROCESSOR("memory_limiter", "{check_interval: 1s, limit_mib: 100, spike_limit_mib: 20}") },
    { OTHER_PROCESSOR("memory_limiter", "{check_interval: 1s, limit_percentage: 80, spike_limit_percentage: 20}") },
    /* 1.13: exporters, old and new names */
    { OTHER_EXPORTER("otlp_grpc", "{endpoint: \"backend:4317\"}") },
    { OTHER_EXPORTER("otlphttp", "{endpoint: \"https://backend:4318\"}") },
    { OTHER_EXPORTER("otlp_http", "{traces_endpoint: \"http://backend:4318/x\", encoding: json}") },
    { OTHER_EXPORTER("debug", "{verbosity: detailed, sampling_initial: 5, sampling_thereafter: 200}") },
    { OTHER_EXPORTER("debug", "{verbosity: Normal}") },
    { OTHER_EXPORTER("file", "{path: /tmp/x.json}") },
    { OTHER_EXPORTER("nop", "") },
    /* service */
    { WORKERS("4") },
    { WORKERS("auto") },
    { WORKERS("") },
    { WAKE("500us") },
    { WAKE("0s") },
    { WAKE("0") },
    { WAKE("") },
    { TELEMETRY("{logs: {level: DEBUG, encoding: json}, metrics: {level: NONE}}") },
    { TELEMETRY("{metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9999}}}}]}}") },
    { TELEMETRY("{resource: {service.name: mine, deployment.environment: test}}") },
};

static const struct row bad_rows[] = {
    /* 1.0: YAML and its shape */
    { "", WHOLE_FILE, "" },
    { "- receivers\n", 1, "map" },
    { "receivers: {otlp: {\n", 2, "" },
    { R P E "service: {pipelines: \t{}}\n\tx: y\n", 5, "" },
    { R R P E S, 2, "receivers" },
    { R P E "servce: {}\n", 4, "did you mean \"service\"" },
    { R P E S "telemetry: {}\n", 5, "telemetry" },
    { "receivers: [otlp]\n" P E S, 1, "map" },
    /* ids */
    { "receivers:\n  1otlp: {protocols: {grpc: }}\n" E S, 2, "1otlp" },
    { "receivers:\n  otlp/: {protocols: {grpc: }}\n" E S, 2, "otlp/" },
    { "receivers:\n  \"otlp/a b\": {protocols: {grpc: }}\n" E S, 2, "otlp/a b" },
    { "receivers:\n  \"/a\": {protocols: {grpc: }}\n" E S, 2, "/a" },
    { "receivers:\n  otlp: {protocols: {grpc: }}\n  \" otlp\": {protocols: {grpc: }}\n" E S, 3, "" },
    /* what must be there */
    { P E S, WHOLE_FILE, "no receiver is defined" },
    { R P S, WHOLE_FILE, "no exporter is defined" },
    { R P E, WHOLE_FILE, "at least one pipeline" },
    { SERVICE("{}"), 4, "at least one pipeline" },
    { PIPELINES("{}"), 4, "at least one pipeline" },
    { PIPELINES("{traces: {exporters: [otlp]}}"), 4, "at least one receiver" },
    { PIPELINES("{traces: {receivers: [], exporters: [otlp]}}"), 4, "at least one receiver" },
    { PIPELINES("{traces: {receivers: [otlp]}}"), 4, "at least one exporter" },
    { PIPELINES("{traces: }"), 4, "at least one receiver" },
    /* references */
    { PIPELINES("{traces: {receivers: [otpl], exporters: [otlp]}}"), 4, "did you mean \"otlp\"" },
    { PIPELINES("{traces: {receivers: [otlp], exporters: [otlp, nop]}}"), 4, "exporter \"nop\" is not defined" },
    { PIPELINES("{traces: {receivers: [otlp], processors: [batch/x], exporters: [otlp]}}"), 4,
      "processor \"batch/x\" is not defined" },
    { PIPELINES("{traces: {receivers: [otlp], processors: [batch, batch], exporters: [otlp]}}"), 4, "twice" },
    { PIPELINES("{traces: {receivers: [[otlp]], exporters: [otlp]}}"), 4, "wants an id" },
    { PIPELINES("{traces: {receivers: {otlp: }, exporters: [otlp]}}"), 4, "list" },
    { PIPELINES("{traces: {receivers: [otlp], exporters: [otlp], connectors: [x]}}"), 4, "connectors" },
    { PIPELINES("{spans: {receivers: [otlp], exporters: [otlp]}}"), 4, "not a signal" },
    { PIPELINES("{profiles: {receivers: [otlp], exporters: [otlp]}}"), 4, "profiles" },
    { PIPELINES("[traces]"), 4, "map" },
    { SERVICE("{extensions: [zpages], pipelines: {traces: {receivers: [otlp], exporters: [otlp]}}}"), 4,
      "extension \"zpages\" is not defined" },
    { SERVICE("{pipeline: {}}"), 4, "did you mean \"pipelines\"" },
    /* types that weft has not */
    { "receivers: {otlp: {protocols: {grpc: }}, kafka: }\n" P E S, 1, "unknown receiver type \"kafka\"" },
    { R "processors: {batch: , nosuch: }\n" E S, 2, "unknown processor type \"nosuch\"" },
    { R P "exporters:\n  otlp: {endpoint: \"b:1\"}\n  zipkin:\n" S, 5, "unknown exporter type \"zipkin\"" },
    { "connectors: {forward: }\n" R P E S, 1, "unknown connector type \"forward\"" },
    /* keys, strict everywhere, in what is not used too */
    { GRPC("{endpont: x}"), 1, "did you mean \"endpoint\"" },
    { RECEIVER("{protocols: {grpcc: }}"), 1, "grpcc" },
    { BATCH("{send_batch_sise: 1}"), 2, "did you mean \"send_batch_size\"" },
    { R "processors:\n  batch:\n  batch/unused:\n    nonsense: 1\n" E S, 5, "nonsense" },
    { OTLP("tls: {insecur: true}"), 3, "did you mean \"insecure\"" },
    { QUEUE("{num_consumer: 1}"), 3, "did you mean \"num_consumers\"" },
    { R P "exporters:\n  otlp:\n    endpoint: b:1\n    retry_on_failure:\n      initial: 1s\n" S, 7, "initial" },
    /* kinds of values */
    { BATCH("{send_batch_size: many}"), 2, "send_batch_size" },
    { BATCH("{send_batch_size: -1}"), 2, "send_batch_size" },
    { BATCH("{send_batch_size: [1]}"), 2, "send_batch_size" },
    { BATCH("{send_batch_size: 99999999999999999999}"), 2, "send_batch_size" },
    { BATCH("{timeout: 5}x}"), 2, "" },
    { BATCH("{timeout: 5 s}"), 2, "timeout" },
    { BATCH("{timeout: soon}"), 2, "timeout" },
    { BATCH("[]"), 2, "" },
    { BATCH("7"), 2, "" },
    { OTLP("wait_for_ready: perhaps"), 3, "wait_for_ready" },
    { OTLP("headers: [a, b]"), 3, "headers" },
    /* substitution */
    { BATCH("{send_batch_size: \"${env:1BAD}\"}"), 2, "1BAD" },
    { BATCH("{send_batch_size: \"${env:WEFT TEST}\"}"), 2, "" },
    { BATCH("{send_batch_size: \"${env:WEFT_TEST_WORD}\"}"), 2, "send_batch_size" },
    { BATCH("{send_batch_size: \"${file:/nowhere/at/all}\"}"), 2, "/nowhere/at/all" },
    { BATCH("{send_batch_size: \"${http://example.com/x}\"}"), 2, "http" },
    { BATCH("{send_batch_size: \"${s3:bucket}\"}"), 2, "s3" },
    { BATCH("{timeout: \"${env:WEFT_TEST_LOOP}\"}"), 2, "" },
    /* 1.0: shared blocks */
    { EXPORTER(""), 3, "endpoint" },
    { EXPORTER("{endpoint: \"\"}"), 3, "endpoint" },
    { EXPORTER("{endpoint: backend}"), 3, "backend" },
    { EXPORTER("{endpoint: \"backend:99999\"}"), 3, "99999" },
    { EXPORTER("{endpoint: \"backend:port\"}"), 3, "port" },
    { OTLP("compression: brotli"), 3, "brotli" },
    { OTLP("compression: lz4"), 3, "is not a compression" },
    { OTLP("auth: {authenticator: oauth2}"), 3, "auth" },
    { OTLP("middlewares: [{id: x}]"), 3, "middlewares" },
    { OTLP("timeout: -1s"), 3, "timeout" },
    { OTLP("tls: {cert_file: /cert}"), 3, "key" },
    { OTLP("tls: {key_file: /key}"), 3, "cert" },
    { OTLP("tls: {ca_file: /ca, ca_pem: x}"), 3, "not both" },
    { OTLP("tls: {min_version: \"1.4\"}"), 3, "min_version" },
    { OTLP("tls: {min_version: \"1.3\", max_version: \"1.2\"}"), 3, "version" },
    { OTLP("tls: {tpm: {enabled: true}}"), 3, "tpm" },
    { QUEUE("{num_consumers: 0}"), 3, "num_consumers" },
    { QUEUE("{queue_size: 0}"), 3, "queue_size" },
    { QUEUE("{queue_size: -5}"), 3, "queue_size" },
    { QUEUE("{sizer: spans}"), 3, "spans" },
    { QUEUE("{storage: file_storage}"), 3, "storage" },
    { QUEUE("{batch: {flush_timeout: 0s}}"), 3, "flush_timeout" },
    { QUEUE("{batch: {min_size: 10, max_size: 9}}"), 3, "max_size" },
    { QUEUE("{batch: {sizer: requests}}"), 3, "requests" },
    { QUEUE("{sizer: items, queue_size: 100, batch: {min_size: 101}}"), 3, "min_size" },
    { QUEUE("{batch: {partition: {metadata_keys: [a, A]}}}"), 3, "duplicate entry in metadata_keys" },
    { RETRY("{randomization_factor: 1.5}"), 3, "randomization_factor" },
    { RETRY("{randomization_factor: -0.1}"), 3, "randomization_factor" },
    { RETRY("{multiplier: -1}"), 3, "multiplier" },
    { GRPC("{transport: tcp5}"), 1, "tcp4" },
    { GRPC("{endpoint: \"[::1]:4317\", transport: tcp4}"), 1, "IPv4" },
    { TELEMETRY("{metrics: {address: localhost}}"), 4, "host:port" },
    { TELEMETRY("{resource: {attributes: [{nam: a}]}}"), 4, "name and value" },
    { TELEMETRY("{resource: [a]}"), 4, "wants a map" },
    { RETRY("{initial_interval: -1s}"), 3, "interval" },
    { RETRY("{max_elapsed_time: 1s}"), 3, "max_elapsed_time" },
    { RETRY("{initial_interval: 10m}"), 3, "max_elapsed_time" },
    /* 1.1: otlp receiver */
    { RECEIVER(""), 1, "at least one protocol" },
    { RECEIVER("{protocols: }"), 1, "at least one protocol" },
    { RECEIVER("{protocols: {}}"), 1, "at least one protocol" },
    { GRPC("{transport: udp}"), 1, "udp" },
    { GRPC("{endpoint: localhost}"), 1, "localhost" },
    { GRPC("{tls: {cert_file: /cert}}"), 1, "key" },
    { GRPC("{tls: {}}"), 1, "a server needs a certificate" },
    { HTTP("{tls: {client_ca_file: /ca}}"), 1, "a server needs a certificate" },
    { "extensions: {health_check: {tls: {}}}\n" R P E S, 1, "a server needs a certificate" },
    { GRPC("{max_recv_msg_size_mib: 5000}"), 1, "max_recv_msg_size_mib" },
    { GRPC("{auth: {authenticator: x}}"), 1, "auth" },
    { RECEIVER("{protocols: {grpc: }, acknowledge: stored}"), 1, "stored" },
    /* 1.10: batch */
    { BATCH("{send_batch_size: 100, send_batch_max_size: 99}"), 2, "send_batch_max_size" },
    { BATCH("{send_batch_max_size: 100}"), 2, "send_batch_max_size" },
    { BATCH("{timeout: -1s}"), 2, "timeout" },
    { BATCH("{metadata_keys: [a, A]}"), 2, "duplicate entry in metadata_keys" },
    /* 1.6: attributes */
    { OTHER_PROCESSOR("attributes", "{include: {match_type: strict, log_bodies: [a]}, " DELETES "}"), 3,
      "attributes.include.log_bodies: must not be specified for traces" },
    { OTHER_PROCESSOR("attributes", "{exclude: {match_type: strict}, " DELETES "}"), 3,
      "exclude: at least one property" },
    /* 1.11: memory_limiter */
    { OTHER_PROCESSOR("memory_limiter", ""), 3, "check_interval" },
    { OTHER_PROCESSOR("memory_limiter", "{check_interval: 1s}"), 3, "limit" },
    { OTHER_PROCESSOR("memory_limiter", "{check_interval: 1s, limit_mib: 10, spike_limit_mib: 10}"), 3, "spike" },
    /* a stage answers for what it has taken: no receiver may promise more */
    { "receivers: {otlp: {protocols: {grpc: }, acknowledge: delivered}}\n" SAMPLED("otlp", "traces") E, 1,
      "acknowledges what is delivered" },
    { "receivers: {otlp: {protocols: {grpc: }}, jsonlog: {protocols: {http: }, acknowledge: delivered}}\n" SAMPLED(
          "jsonlog", "logs") E,
      1, "receiver \"jsonlog\" acknowledges what is delivered" },
    { OTHER_PROCESSOR("tail_sampling", "{decision_wait: -2s}"), 3, "decision_wait is -2s, it must be 0 or more" },
    { OTHER_PROCESSOR("tail_sampling", "{decision_wait_after_root_received: -1ms}"), 3,
      "decision_wait_after_root_received is -0.001s" },
    /* 1.13: exporters */
    { OTHER_EXPORTER("otlp_http", ""), 3, "endpoint" },
    { OTHER_EXPORTER("otlp_http", "{endpoint: \"http://b:1\", encoding: xml}"), 3, "xml" },
    { OTHER_EXPORTER("debug", "{verbosity: loud}"), 3, "loud" },
    { OTHER_EXPORTER("file", "{path: /tmp/x, format: JSON}"), 3, "JSON" },
    { OTHER_EXPORTER("file", ""), 3, "path" },
    { OTHER_EXPORTER("file", "{path: /x, format: xml}"), 3, "xml" },
    { OTHER_EXPORTER("nop", "{a: b}"), 3, "\"a\"" },
    /* service */
    { WORKERS("0"), 4, "workers" },
    { WORKERS("1000"), 4, "workers" },
    { WORKERS("many"), 4, "workers" },
    { WORKERS("1.5"), 4, "workers" },
    { WAKE("1s"), 4, "wake_interval" },
    { WAKE("-1ms"), 4, "wake_interval" },
    { WAKE("soon"), 4, "wake_interval" },
    { WAKE("[1ms]"), 4, "wake_interval" },
    { BEGUN("requests", "0"), 4, "max_begun_requests" },
    { BEGUN("requests", "many"), 4, "max_begun_requests" },
    { BEGUN("requests_per_address", "-1"), 4, "max_begun_requests_per_address" },
    { BEGUN("bytes", "1"), 4, "max_begun_bytes" },
    { BEGUN("bytes", "lots"), 4, "max_begun_bytes" },
    { BEGUN("bytes", "2000000TiB"), 4, "max_begun_bytes" },
    { TELEMETRY("{logs: {level: loud}}"), 4, "loud" },
    { TELEMETRY("{metrics: {level: some}}"), 4, "some" },
    { TELEMETRY("{metrics: {readers: [{periodic: {}}]}}"), 4, "periodic" },
    { TELEMETRY("{metrics: {readers: [{pull: {exporter: {prometheus: {port: 70000}}}}]}}"), 4, "port" },
    { TELEMETRY("{logs: {processors: [x]}}"), 4, "processors" },
};

static char directory[] = "/tmp/weft-test-validate-XXXXXX";

static void set_up(void)
{
    setenv("WEFT_TEST_NUMBER", "123", 1);
    setenv("WEFT_TEST_WORD", "word", 1);
    setenv("WEFT_TEST_LOOP", "${env:WEFT_TEST_LOOP}", 1);
    unsetenv("WEFT_TEST_UNSET");
}

static const char *path_of(const char *name)
{
    static char path[64];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    return path;
}

static enum weft_status load(const struct weft_config_sources *sources, struct weft_plan **out_plan,
                             struct weft_worker_config *out_workers, struct weft_error *error)
{
    struct weft_config_notes notes = { 0 };
    struct weft_telemetry telemetry;
    enum weft_status status = weft_agent_load(sources, NULL, &notes, out_plan, &telemetry, out_workers, error);
    weft_config_notes_fini(&notes);
    return status;
}

static enum weft_status load_text(const char *yaml, struct weft_error *error)
{
    const char *path = write_file("c.yaml", yaml);
    struct weft_plan *plan = NULL;
    struct weft_worker_config workers;
    enum weft_status status =
        load(&(struct weft_config_sources){ .configs = &path, .config_count = 1 }, &plan, &workers, error);
    ck_assert((status == WEFT_OK) == (plan != NULL));
    weft_plan_unref(&plan);
    return status;
}

START_TEST(test_good_config_loads)
{
    struct weft_error error = WEFT_ERROR_NONE;
    ck_assert_msg(load_text(good_rows[_i].yaml, &error) == WEFT_OK, "%s\n%s", error.text, good_rows[_i].yaml);
}
END_TEST

START_TEST(test_bad_config_fails_at_its_line)
{
    const struct row *row = &bad_rows[_i];
    struct weft_error error = WEFT_ERROR_NONE;
    char place[80];
    ck_assert_msg(load_text(row->yaml, &error) != WEFT_OK, "this loads:\n%s", row->yaml);
    if (row->line == WHOLE_FILE) {
        snprintf(place, sizeof place, "%s/c.yaml", directory);
    } else {
        snprintf(place, sizeof place, "%s/c.yaml:%u", directory, row->line);
    }
    size_t length = strlen(place);
    bool is_there = strncmp(error.text, place, length) == 0 && (error.text[length] == ':' || error.text[length] == ' ');
    ck_assert_msg(is_there, "wanted %s, got: %s\n%s", place, error.text, row->yaml);
    ck_assert_msg(strstr(error.text, row->text) != NULL, "wanted \"%s\", got: %s\n%s", row->text, error.text,
                  row->yaml);
}
END_TEST

/* Pipelines of profiles are there behind their gate only, for components that leave requests as they came. */
START_TEST(test_profiles_want_their_gate)
{
    static const struct {
        const char *pipeline;
        bool is_open;
        const char *error; /* NULL: it loads */
    } rows[] = {
        { "{receivers: [otlp], exporters: [otlp]}", true, NULL },
        { "{receivers: [otlp], exporters: [otlp]}", false, "--feature-gates=service.profilesSupport" },
        { "{receivers: [otlp], processors: [batch], exporters: [otlp]}", true, "batch" },
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(rows); i++) {
        char *yaml = weft_alloc_format("yaml:" R P E "service: {pipelines: {profiles: %s}}\n", rows[i].pipeline);
        const char *config = yaml;
        struct weft_config_sources sources = { .configs = &config,
                                               .config_count = 1,
                                               .gates = rows[i].is_open ? WEFT_GATE_PROFILES : 0 };
        struct weft_plan *plan = NULL;
        struct weft_worker_config workers;
        struct weft_error error = WEFT_ERROR_NONE;
        enum weft_status status = load(&sources, &plan, &workers, &error);
        ck_assert_msg((status == WEFT_OK) == (rows[i].error == NULL), "%zu: %s", i, error.text);
        ck_assert_msg(rows[i].error == NULL || strstr(error.text, rows[i].error) != NULL, "%s", error.text);
        weft_plan_unref(&plan);
        weft_free(yaml);
    }
}
END_TEST

/* ---- several sources ---- */

static struct weft_plan *load_sources(const char *const *configs, size_t config_count, const char *const *sets,
                                      size_t set_count, struct weft_worker_config *out_workers)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *plan = NULL;
    struct weft_config_sources sources = {
        .configs = configs, .config_count = config_count, .sets = sets, .set_count = set_count
    };
    ck_assert_msg(load(&sources, &plan, out_workers, &error) == WEFT_OK, "%s", error.text);
    return plan;
}

START_TEST(test_maps_are_merged_and_lists_replaced)
{
    static const char *const configs[] = {
        "yaml:" R P E S,
        "yaml:exporters: {nop: }\nservice: {workers: 2, pipelines: {traces: {exporters: [nop]}}}\n",
    };
    struct weft_worker_config workers;
    struct weft_plan *plan = load_sources(configs, 2, NULL, 0, &workers);
    ck_assert_uint_eq(workers.worker_count, 2);
    ck_assert_uint_eq(plan->pipelines[0].exporter_count, 1);
    ck_assert_str_eq(plan->pipelines[0].exporters[0]->id, "nop");
    ck_assert_uint_eq(plan->pipelines[0].processor_count, 1);
    weft_plan_unref(&plan);
}
END_TEST

START_TEST(test_set_comes_last)
{
    static const char *const configs[] = { "yaml:" R P E S };
    static const char *const sets[] = { "service.workers=3", "exporters.otlp.compression=none",
                                        "processors.batch.timeout=2s" };
    struct weft_worker_config workers;
    struct weft_plan *plan = load_sources(configs, 1, sets, 3, &workers);
    ck_assert_uint_eq(workers.worker_count, 3);
    weft_plan_unref(&plan);
}
END_TEST

START_TEST(test_error_in_a_later_file_names_it)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_plan *plan = NULL;
    struct weft_worker_config workers;
    const char *configs[] = { "yaml:" R P E S, write_file("second.yaml", "\nprocessors:\n  batch: {timeout: no}\n") };
    ck_assert_int_ne(
        load(&(struct weft_config_sources){ .configs = configs, .config_count = 2 }, &plan, &workers, &error), WEFT_OK);
    ck_assert_msg(strstr(error.text, "second.yaml:3") != NULL, "%s", error.text);
}
END_TEST

START_TEST(test_key_without_effect_is_listed_once)
{
    struct weft_error error = WEFT_ERROR_NONE;
    struct weft_config_notes notes = { 0 };
    struct weft_telemetry telemetry;
    struct weft_plan *plan = NULL;
    struct weft_worker_config workers;
    const char *config = "yaml:" OTLP("write_buffer_size: 1");
    ck_assert_int_eq(weft_agent_load(&(struct weft_config_sources){ .configs = &config, .config_count = 1 }, NULL,
                                     &notes, &plan, &telemetry, &workers, &error),
                     WEFT_OK);
    ck_assert_uint_eq(notes.count, 1);
    ck_assert_int_eq(notes.items[0].kind, WEFT_NOTE_NO_EFFECT);
    ck_assert_msg(strstr(notes.items[0].text, "write_buffer_size") != NULL, "%s", notes.items[0].text);
    weft_config_notes_fini(&notes);
    weft_plan_unref(&plan);
}
END_TEST

/* Both exporters, by one rule. */
START_TEST(test_header_that_cannot_be_sent_is_warned_of)
{
    static const char *const loaded[] = {
        "yaml:" OTLP("headers: {with space: x, good: y, bad: \"a\\nb\"}"),
        "yaml:" OTHER_EXPORTER("otlp_http",
                               "{endpoint: \"http://b:1\", headers: {with space: x, good: y, bad: \"a\\nb\"}}"),
    };
    for (size_t i = 0; i < WEFT_COUNT_OF(loaded); i++) {
        struct weft_error error = WEFT_ERROR_NONE;
        struct weft_config_notes notes = { 0 };
        struct weft_telemetry telemetry;
        struct weft_plan *plan = NULL;
        struct weft_worker_config workers;
        ck_assert_int_eq(weft_agent_load(&(struct weft_config_sources){ .configs = &loaded[i], .config_count = 1 },
                                         NULL, &notes, &plan, &telemetry, &workers, &error),
                         WEFT_OK);
        ck_assert_uint_eq(notes.count, 2);
        ck_assert_ptr_nonnull(strstr(notes.items[0].text, "headers: \"with space\" is not sent"));
        ck_assert_ptr_nonnull(strstr(notes.items[1].text, "headers: \"bad\" is not sent"));
        weft_config_notes_fini(&notes);
        weft_plan_unref(&plan);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("worker/validate");
    TCase *rows = tcase_create("rows"), *sources = tcase_create("sources");
    if (mkdtemp(directory) == NULL) {
        return 1;
    }
    tcase_add_checked_fixture(rows, set_up, NULL);
    tcase_add_checked_fixture(sources, set_up, NULL);
    tcase_add_loop_test(rows, test_good_config_loads, 0, (int)WEFT_COUNT_OF(good_rows));
    tcase_add_loop_test(rows, test_bad_config_fails_at_its_line, 0, (int)WEFT_COUNT_OF(bad_rows));
    tcase_add_test(rows, test_profiles_want_their_gate);
    tcase_add_test(sources, test_maps_are_merged_and_lists_replaced);
    tcase_add_test(sources, test_set_comes_last);
    tcase_add_test(sources, test_error_in_a_later_file_names_it);
    tcase_add_test(sources, test_key_without_effect_is_listed_once);
    tcase_add_test(sources, test_header_that_cannot_be_sent_is_warned_of);
    suite_add_tcase(suite, rows);
    suite_add_tcase(suite, sources);
    int result = suite_run(suite);
    unlink(path_of("c.yaml"));
    unlink(path_of("second.yaml"));
    rmdir(directory);
    return result;
}
