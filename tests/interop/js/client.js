// The OpenTelemetry SDK of JavaScript, playing one fixed script: same ids, same times, same values at each run, so
// that what a backend gets directly and what it gets through the program under test can be compared value by value.
// usage: node client.js URL [grpc|proto|http]  (http is JSON; OTEL_EXPORTER_OTLP_COMPRESSION as the SDK reads it)
'use strict';

const { SpanKind, SpanStatusCode, TraceFlags, context, createTraceState, trace } = require('@opentelemetry/api');
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${process.argv[3] || 'grpc'}`);
const { NodeSDK, resources, tracing } = require('@opentelemetry/sdk-node');

const BASE_SECONDS = 1795449600;
const moment = (milliseconds) => [BASE_SECONDS + Math.floor(milliseconds / 1000), (milliseconds % 1000) * 1e6 + 123456];

class CountingIds {
  constructor() {
    this.traces = 0;
    this.spans = 0;
  }
  generateTraceId() {
    return (++this.traces).toString(16).padStart(32, '0');
  }
  generateSpanId() {
    return (++this.spans).toString(16).padStart(16, '0');
  }
}

const EVERY_TYPE = {
  'text': 'plain',
  'text.empty': '',
  'text.unicode': 'grüße, 世界, \u{1F680}, e\u0301, \u0000 inside, "quotes" and \\',
  'text.long': 'x'.repeat(70000),
  'flag.true': true,
  'flag.false': false,
  'integer': 42,
  'integer.negative': -7,
  'integer.zero': 0,
  'integer.largest_safe': Number.MAX_SAFE_INTEGER,
  'double': 3.141592653589793,
  'double.tiny': 5e-324,
  'double.negative': -0.5,
  'list.text': ['a', '', 'ü'],
  'list.integer': [1, 2, 300000],
  'list.double': [0.5, 1.25],
  'list.flag': [true, false],
  'list.empty': [],
};

function playTypes(tracer) {
  const span = tracer.startSpan('every attribute type', { startTime: moment(0), kind: SpanKind.INTERNAL, attributes: EVERY_TYPE });
  span.addEvent('event with attributes', EVERY_TYPE, moment(1));
  span.addEvent('event without', undefined, moment(2));
  span.end(moment(5));
  return span;
}

function playNested(tracer, linked) {
  const root = tracer.startSpan('POST /v1/jobs', { startTime: moment(10), kind: SpanKind.SERVER, root: true });
  let parent = root;
  for (let depth = 1; depth <= 8; depth++) {
    const kind = [SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER][depth % 3];
    const inside = trace.setSpan(context.active(), parent);
    const child = tracer.startSpan(`step ${depth}`, { startTime: moment(10 + depth), kind, attributes: { depth } }, inside);
    if (depth > 1) parent.end(moment(100 - depth));
    parent = child;
  }
  parent.addLink({ context: linked.spanContext(), attributes: { 'link.reason': 'retry' } });
  parent.addLink({ context: remoteContext() });
  parent.end(moment(60));
  root.setStatus({ code: SpanStatusCode.OK });
  root.end(moment(110));
}

function remoteContext() {
  return {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: TraceFlags.SAMPLED,
    traceState: createTraceState('ot=th:8,vendor=a:b'),
    isRemote: true,
  };
}

function playRemoteParent(tracer) {
  const inside = trace.setSpanContext(context.active(), remoteContext());
  const span = tracer.startSpan('continued from a caller', { startTime: moment(200), kind: SpanKind.SERVER }, inside);
  span.end(moment(201));
}

function playFailure(tracer) {
  const span = tracer.startSpan('that fails', { startTime: moment(300) });
  const error = new TypeError('boom: ünexpected');
  error.stack = 'TypeError: boom: ünexpected\n    at play (client.js:1:1)';
  span.recordException(error, moment(301));
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
  span.updateName('that failed');
  span.end(moment(302));
}

function playMany(tracer) {
  for (let number = 0; number < 600; number++) {
    const span = tracer.startSpan(`one of many ${number}`, { startTime: moment(1000 + number), root: true, attributes: { number } });
    span.end(moment(1001 + number));
  }
}

async function main(endpoint) {
  const sdk = new NodeSDK({
    autoDetectResources: false,
    resource: resources.resourceFromAttributes({ 'service.name': 'interop-js', 'service.version': '1.2.3', 'host.cpus': 2 }),
    idGenerator: new CountingIds(),
    spanLimits: { attributeValueLengthLimit: Infinity },
    spanProcessors: [new tracing.BatchSpanProcessor(new OTLPTraceExporter({ url: endpoint }), { maxQueueSize: 4096 })],
  });
  sdk.start();
  const tracer = trace.getTracer('interop', '4.5.6', { schemaUrl: 'https://example.test/schema' });
  const other = trace.getTracer('interop.other');
  const first = playTypes(tracer);
  playNested(other, first);
  playRemoteParent(tracer);
  playFailure(other);
  playMany(tracer);
  await sdk.shutdown();
}

main(process.argv[2]).catch((error) => {
  console.error(error);
  process.exit(1);
});
