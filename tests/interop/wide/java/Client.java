import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.KeyValue;
import io.opentelemetry.api.common.Value;
import io.opentelemetry.api.logs.Logger;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.api.metrics.DoubleHistogram;
import io.opentelemetry.api.metrics.LongCounter;
import io.opentelemetry.api.metrics.Meter;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.BatchLogRecordProcessor;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentSelector;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.View;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.IdGenerator;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The OpenTelemetry SDK of Java, playing one fixed script of spans, log records and metrics: same ids and values at each
 * run, and same times but for those that the SDK takes itself.
 *
 * usage: Client URL grpc|http none|gzip
 */
final class Client {
    static final long BASE_NS = 1_795_449_600_000_000_000L;

    static final Attributes EVERY_TYPE = Attributes.builder()
            .put("text", "plain").put("text.empty", "").put("text.unicode", "grüße, 世界, \uD83D\uDE80, e\u0301 \u0000 \\")
            .put("text.long", "y".repeat(70_000)).put("flag", true).put("flag.false", false)
            .put("integer.largest", Long.MAX_VALUE).put("integer.least", Long.MIN_VALUE).put("integer.zero", 0L)
            .put("double", 0.1).put("double.huge", Double.MAX_VALUE).put("double.negative.zero", -0.0)
            .put("list.text", "a", "", "ü").put("list.integer", 1L, -2L).put("list.double", 0.5).put("list.flag", true, false)
            .build();

    static final class CountingIds implements IdGenerator {
        private long traces;
        private long spans;

        @Override
        public String generateTraceId() {
            return String.format("c0000000000000000000%012x", ++traces);
        }

        @Override
        public String generateSpanId() {
            return String.format("d000%012x", ++spans);
        }
    }

    static SpanBuilder span(Tracer tracer, String name, Context parent, long start) {
        return tracer.spanBuilder(name).setParent(parent).setStartTimestamp(BASE_NS + start, TimeUnit.NANOSECONDS);
    }

    static void end(Span span, long when) {
        span.end(BASE_NS + when, TimeUnit.NANOSECONDS);
    }

    static void playSpans(Tracer tracer, Tracer other) {
        Span first = span(tracer, "every attribute type", Context.root(), 0).setAllAttributes(EVERY_TYPE).startSpan();
        first.addEvent("event", EVERY_TYPE, BASE_NS + 1, TimeUnit.NANOSECONDS);
        end(first, 10);
        TraceState state = TraceState.builder().put("v", "a").put("ot", "th:8").build();
        SpanContext remote = SpanContext.createFromRemoteParent("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7",
                TraceFlags.getSampled(), state);
        Context inside = Context.root().with(Span.wrap(remote));
        List<Span> parents = new ArrayList<>();
        parents.add(span(other, "from a caller", inside, 20).setSpanKind(SpanKind.SERVER).startSpan());
        SpanKind[] kinds = {SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER};
        for (int depth = 0; depth < 8; depth++) {
            SpanBuilder step = span(other, "step " + depth, Context.root().with(parents.get(depth)), 21 + depth)
                    .setSpanKind(kinds[depth % 3]).setAttribute("depth", depth);
            if (depth == 7) {
                step.addLink(first.getSpanContext(), Attributes.of(AttributeKey.stringKey("why"), "retry")).addLink(remote);
            }
            parents.add(step.startSpan());
        }
        for (int index = parents.size() - 1; index >= 0; index--) {
            end(parents.get(index), 100 + parents.size() - index);
        }
        Span failing = span(tracer, "fails", Context.root(), 0).startSpan();
        failing.addEvent("exception", Attributes.builder().put("exception.message", "boom ü").build(), BASE_NS + 3, TimeUnit.NANOSECONDS);
        failing.setStatus(StatusCode.ERROR, "it failed");
        end(failing, 5);
        for (int number = 0; number < 600; number++) {
            Span one = span(tracer, "one of many " + number, Context.root(), number).setAttribute("number", number).startSpan();
            one.setStatus(StatusCode.OK);
            end(one, number + 1);
        }
    }

    static void sendTraces(SpanExporter exporter, Resource resource) {
        SdkTracerProvider provider = SdkTracerProvider.builder().setResource(resource).setIdGenerator(new CountingIds())
                .addSpanProcessor(BatchSpanProcessor.builder(exporter).setMaxQueueSize(4096).build()).build();
        Tracer tracer = provider.tracerBuilder("interop").setInstrumentationVersion("7.8")
                .setSchemaUrl("https://example.test/s").build();
        playSpans(tracer, provider.get("other"));
        finish("traces", provider.shutdown());
    }

    static Instant moment(long nanoseconds) {
        return Instant.ofEpochSecond(0, BASE_NS + nanoseconds);
    }

    static void sendLogs(LogRecordExporter exporter, Resource resource) {
        SdkLoggerProvider provider = SdkLoggerProvider.builder().setResource(resource)
                .addLogRecordProcessor(BatchLogRecordProcessor.builder(exporter).build()).build();
        Logger logger = provider.loggerBuilder("interop").setInstrumentationVersion("1.0")
                .setSchemaUrl("https://example.test/s").build();
        Context inside = Context.root().with(Span.wrap(SpanContext.create("00000000000000000000000000000abc", "0000000000000def",
                TraceFlags.getSampled(), TraceState.getDefault())));
        List<Value<?>> bodies = List.of(Value.of("plain"), Value.of(""), Value.of("grüße, 世界, \uD83D\uDE80"),
                Value.of(Long.MIN_VALUE), Value.of(0.1), Value.of(-0.0), Value.of(true), Value.of(new byte[] {0, (byte) 0xff}),
                Value.of(List.of(Value.of("two"), Value.of(1), Value.of(List.of(Value.of(false))))),
                Value.of(KeyValue.of("nested", Value.of(KeyValue.of("deep", Value.of("")))), KeyValue.of("empty", Value.of(List.of()))));
        for (int number = 0; number < bodies.size(); number++) {
            logger.logRecordBuilder().setTimestamp(moment(number)).setObservedTimestamp(moment(100 + number))
                    .setContext(number % 2 == 1 ? inside : Context.root()).setSeverity(Severity.values()[1 + 2 * number])
                    .setSeverityText("level " + number).setBody(bodies.get(number))
                    .setAttribute(AttributeKey.longKey("number"), (long) number)
                    .setAttribute(AttributeKey.longArrayKey("list"), List.of((long) number, number + 1L)).emit();
        }
        logger.logRecordBuilder().setContext(Context.root()).setBody("the SDK's own times").emit();
        finish("logs", provider.shutdown());
    }

    static void sendMetrics(MetricExporter exporter, Resource resource) {
        SdkMeterProvider provider = SdkMeterProvider.builder().setResource(resource)
                .registerMetricReader(PeriodicMetricReader.builder(exporter).setInterval(Duration.ofHours(1)).build())
                .registerView(InstrumentSelector.builder().setName("sizes").build(),
                        View.builder().setAggregation(Aggregation.base2ExponentialBucketHistogram(20, 20)).build())
                .build();
        Meter meter = provider.meterBuilder("interop").setInstrumentationVersion("2.0").setSchemaUrl("https://example.test/s").build();
        LongCounter requests = meter.counterBuilder("requests").setUnit("1").setDescription("counted").build();
        requests.add(7, Attributes.of(AttributeKey.stringKey("route"), "/a"));
        requests.add(Long.MAX_VALUE - 10, Attributes.of(AttributeKey.stringKey("route"), "/b"));
        meter.upDownCounterBuilder("level").ofDoubles().build().add(-2.5);
        // Inside a span that is sampled each measurement leaves an exemplar; of those for one bucket the last one.
        Context inside = Context.root().with(Span.wrap(SpanContext.create("00000000000000000000000000000abc", "0000000000000def",
                TraceFlags.getSampled(), TraceState.getDefault())));
        for (String name : List.of("latency", "sizes")) {
            DoubleHistogram histogram = meter.histogramBuilder(name).setUnit("ms").build();
            for (double value : new double[] {0, 0.1, 12, 99, 4000, 1e9}) {
                histogram.record(value, Attributes.of(AttributeKey.stringKey("route"), "/a"),
                        name.equals("latency") ? inside : Context.root());
            }
        }
        meter.gaugeBuilder("temperature").build().set(-273.15, Attributes.of(AttributeKey.stringKey("place"), "ünder"));
        meter.upDownCounterBuilder("seen").buildWithCallback(seen -> {
            seen.record(Long.MIN_VALUE, Attributes.of(AttributeKey.booleanKey("flag"), true));
            seen.record(0);
        });
        finish("metrics", provider.shutdown());
    }

    static void finish(String signal, CompletableResultCode result) {
        if (!result.join(30, TimeUnit.SECONDS).isSuccess()) {
            throw new IllegalStateException("the exporter of " + signal + " failed");
        }
    }

    public static void main(String[] arguments) {
        String url = arguments[0];
        boolean isGrpc = arguments[1].equals("grpc");
        String compression = arguments[2];
        Resource resource = Resource.create(Attributes.builder().put("service.name", "interop-java-sdk").put("list", "a", "b").build(),
                "https://example.test/resource");
        sendTraces(isGrpc ? OtlpGrpcSpanExporter.builder().setEndpoint(url).setCompression(compression).build()
                : OtlpHttpSpanExporter.builder().setEndpoint(url + "/v1/traces").setCompression(compression).build(), resource);
        sendLogs(isGrpc ? OtlpGrpcLogRecordExporter.builder().setEndpoint(url).setCompression(compression).build()
                : OtlpHttpLogRecordExporter.builder().setEndpoint(url + "/v1/logs").setCompression(compression).build(), resource);
        sendMetrics(isGrpc ? OtlpGrpcMetricExporter.builder().setEndpoint(url).setCompression(compression).build()
                : OtlpHttpMetricExporter.builder().setEndpoint(url + "/v1/metrics").setCompression(compression).build(), resource);
    }
}
