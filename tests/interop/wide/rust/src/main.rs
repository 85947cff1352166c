//! The OpenTelemetry SDK of Rust, playing one fixed script of spans, log records and metrics: same ids and values at each
//! run, and same times but for those that the SDK takes itself.
//!
//! usage: weft-interop-rust URL grpc|proto|json   (OTEL_EXPORTER_OTLP_COMPRESSION as the SDK reads it)

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::logs::{AnyValue, LogRecord, Logger, LoggerProvider, Severity};
use opentelemetry::metrics::MeterProvider;
use opentelemetry::trace::{
    Link, Span, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Array, Context, InstrumentationScope, Key, KeyValue, StringValue, Value};
use opentelemetry_otlp::{LogExporter, MetricExporter, Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::{Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, IdGenerator, SdkTracerProvider};
use opentelemetry_sdk::Resource;

fn moment(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(1_795_449_600_123_456_000 + nanoseconds)
}

#[derive(Debug, Default)]
struct CountingIds {
    traces: AtomicU64,
    spans: AtomicU64,
}

impl IdGenerator for CountingIds {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(0xE << 120 | u128::from(self.traces.fetch_add(1, Ordering::Relaxed) + 1))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(0xF << 56 | self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

/// An exporter of the given kind, built for the protocol; over HTTP each signal has its path.
macro_rules! exporter {
    ($kind:ident, $url:expr, $protocol:expr, $signal:expr) => {
        match $protocol {
            "grpc" => $kind::builder().with_tonic().with_endpoint($url).build(),
            other => $kind::builder()
                .with_http()
                .with_protocol(if other == "json" { Protocol::HttpJson } else { Protocol::HttpBinary })
                .with_endpoint(format!("{}/v1/{}", $url, $signal))
                .build(),
        }
        .expect("the exporter can be built")
    };
}

fn every_type() -> Vec<KeyValue> {
    let texts = |items: &[&'static str]| items.iter().map(|item| StringValue::from(*item)).collect::<Vec<_>>();
    vec![
        KeyValue::new("text", "plain"),
        KeyValue::new("text.empty", ""),
        KeyValue::new("text.unicode", "grüße, 世界, \u{1F680}, e\u{301}, \u{0} inside, \"quotes\" and \\"),
        KeyValue::new("text.long", "z".repeat(70_000)),
        KeyValue::new("flag", true),
        KeyValue::new("flag.false", false),
        KeyValue::new("integer.largest", i64::MAX),
        KeyValue::new("integer.least", i64::MIN),
        KeyValue::new("integer.zero", 0),
        KeyValue::new("double", 0.1),
        KeyValue::new("double.huge", f64::MAX),
        KeyValue::new("double.tiny", 5e-324),
        KeyValue::new("double.negative_zero", -0.0),
        KeyValue::new("list.text", Value::Array(Array::String(texts(&["a", "", "ü"])))),
        KeyValue::new("list.integer", Value::Array(Array::I64(vec![1, -2]))),
        KeyValue::new("list.double", Value::Array(Array::F64(vec![0.5]))),
        KeyValue::new("list.flag", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("list.empty", Value::Array(Array::I64(vec![]))),
    ]
}

fn remote_context() -> SpanContext {
    let state = TraceState::from_key_value([("ot", "th:8"), ("v", "a")]).expect("a good trace state");
    let trace_id = TraceId::from(0x4bf92f3577b34da6a3ce929d0e0e4736);
    SpanContext::new(trace_id, SpanId::from(0x00f067aa0ba902b7), TraceFlags::SAMPLED, true, state)
}

fn scope(version: &'static str) -> InstrumentationScope {
    let builder = InstrumentationScope::builder("interop").with_version(version);
    builder.with_schema_url("https://example.test/schema").with_attributes([KeyValue::new("scope", 1)]).build()
}

fn play_spans<T: Tracer>(tracer: &T, other: &T) {
    let mut first = tracer.span_builder("every attribute type").with_start_time(moment(0)).with_attributes(every_type()).start(tracer);
    first.add_event_with_timestamp("event", moment(1), every_type());
    first.add_event_with_timestamp("event without", moment(2), vec![]);
    let linked = first.span_context().clone();
    first.end_with_timestamp(moment(10));

    let mut inside = Context::new().with_remote_span_context(remote_context());
    for depth in 0..8u64 {
        let kind = [SpanKind::Client, SpanKind::Producer, SpanKind::Consumer, SpanKind::Server][depth as usize % 4].clone();
        let builder = other.span_builder(format!("step {depth}")).with_kind(kind).with_start_time(moment(20 + depth));
        let mut span = builder.with_attributes([KeyValue::new("depth", depth as i64)]).start_with_context(other, &inside);
        if depth == 7 {
            span.add_link(linked.clone(), vec![KeyValue::new("why", "retry")]);
            span.add_link(remote_context(), vec![]);
            span.set_status(Status::Ok);
        }
        let context = span.span_context().clone();
        span.end_with_timestamp(moment(100 - depth));
        inside = Context::new().with_remote_span_context(context);
    }

    let links = vec![Link::new(linked, vec![], 3)];
    let mut failing = tracer.span_builder("fails").with_start_time(moment(200)).with_links(links).start_with_context(tracer, &Context::new());
    failing.set_status(Status::error("it failed: ü"));
    failing.update_name("failed");
    failing.end_with_timestamp(moment(201));

    for number in 0..600u64 {
        let builder = tracer.span_builder(format!("one of many {number}")).with_start_time(moment(1000 + number));
        let mut span = builder.with_attributes([KeyValue::new("number", number as i64)]).start_with_context(tracer, &Context::new());
        span.end_with_timestamp(moment(1001 + number));
    }
}

fn send_spans(url: &str, protocol: &str, resource: Resource) {
    let config = BatchConfigBuilder::default().with_max_queue_size(4096).build();
    let processor = BatchSpanProcessor::builder(exporter!(SpanExporter, url, protocol, "traces")).with_batch_config(config).build();
    let builder = SdkTracerProvider::builder().with_resource(resource).with_id_generator(CountingIds::default());
    let provider = builder.with_span_processor(processor).build();
    play_spans(&provider.tracer_with_scope(scope("7.8")), &provider.tracer("other"));
    provider.shutdown().expect("the spans are sent");
}

fn bodies() -> Vec<AnyValue> {
    let map = HashMap::from([(Key::new("inner"), AnyValue::from_iter([1, 2])), (Key::new("empty"), AnyValue::from(""))]);
    let list = vec![AnyValue::from(1), AnyValue::from("two"), AnyValue::Map(Box::new(map.clone()))];
    vec![
        AnyValue::from("plain"),
        AnyValue::from(""),
        AnyValue::from("grüße, 世界, \u{1F680}"),
        AnyValue::from(i64::MIN),
        AnyValue::from(0.25),
        AnyValue::from(true),
        AnyValue::from(&[0u8, 255, 7][..]),
        AnyValue::ListAny(Box::new(list)),
        AnyValue::Map(Box::new(map)),
    ]
}

fn send_logs(url: &str, protocol: &str, resource: Resource) {
    let exporter = exporter!(LogExporter, url, protocol, "logs");
    let provider = SdkLoggerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    let logger = provider.logger_with_scope(scope("1.0"));
    let severities = [Severity::Trace, Severity::Debug2, Severity::Info, Severity::Warn4, Severity::Error, Severity::Fatal4];
    for (number, body) in bodies().into_iter().enumerate() {
        let mut record = logger.create_log_record();
        record.set_timestamp(moment(number as u64));
        if number % 2 == 0 {
            record.set_observed_timestamp(moment(100 + number as u64));
            record.set_event_name("an.event");
            record.set_trace_context(TraceId::from(0xABC), SpanId::from(0xDEF), Some(TraceFlags::SAMPLED));
        }
        let severity = severities[number % severities.len()];
        record.set_severity_number(severity);
        record.set_severity_text(severity.name());
        record.add_attributes([("same as the body", body.clone()), ("number", AnyValue::from(number as i64))]);
        record.set_body(body);
        logger.emit(record);
    }
    logger.emit(logger.create_log_record());
    provider.shutdown().expect("the log records are sent");
}

fn exponential(instrument: &Instrument) -> Option<Stream> {
    let is_chosen = instrument.kind() == InstrumentKind::Histogram && instrument.name() == "sizes";
    let aggregation = Aggregation::Base2ExponentialHistogram { max_size: 20, max_scale: 10, record_min_max: true };
    is_chosen.then(|| Stream::builder().with_aggregation(aggregation).build().expect("a good stream"))
}

fn send_metrics(url: &str, protocol: &str, resource: Resource) {
    let exporter = exporter!(MetricExporter, url, protocol, "metrics");
    let provider = SdkMeterProvider::builder().with_resource(resource).with_periodic_exporter(exporter).with_view(exponential).build();
    let meter = provider.meter_with_scope(scope("2.0"));
    let requests = meter.u64_counter("requests").with_unit("1").with_description("counted").build();
    requests.add(7, &[KeyValue::new("route", "/a")]);
    requests.add(i64::MAX as u64 - 10, &[KeyValue::new("route", "/b"), KeyValue::new("list", Value::Array(Array::I64(vec![1, 2])))]);
    meter.f64_up_down_counter("level").build().add(-2.5, &[]);
    let latency = meter.f64_histogram("latency").with_unit("ms").build();
    let sizes = meter.f64_histogram("sizes").build();
    for value in [0.0, 0.1, 12.0, 99.0, 4000.0, 1e9] {
        latency.record(value, &[KeyValue::new("route", "/a")]);
        sizes.record(value, &[]);
    }
    meter.f64_gauge("temperature").build().record(-273.15, &[KeyValue::new("place", "ünder")]);
    let _seen = meter.i64_observable_gauge("seen").with_callback(|observer| observer.observe(i64::MIN, &[])).build();
    provider.shutdown().expect("the metrics are sent");
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let (url, protocol) = (arguments[1].as_str(), arguments[2].as_str());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let _inside = (protocol == "grpc").then(|| runtime.enter());
    let attributes = [KeyValue::new("service.name", "interop-rust"), KeyValue::new("host.cpus", 2)];
    let resource = Resource::builder_empty().with_schema_url(attributes, "https://example.test/resource").build();
    send_spans(url, protocol, resource.clone());
    send_logs(url, protocol, resource.clone());
    send_metrics(url, protocol, resource);
}
