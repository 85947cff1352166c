// The OpenTelemetry SDK of JavaScript sending logs and metrics: the same records and points at each run, but for the times
// that the SDK itself takes.
// usage: node signals.js URL [grpc|proto|http]  (http is JSON; over HTTP the paths are added here)
'use strict';

const { SeverityNumber } = require('@opentelemetry/api-logs');
const { ROOT_CONTEXT, TraceFlags, ValueType, trace } = require('@opentelemetry/api');
const { logs, metrics, resources } = require('@opentelemetry/sdk-node');

const [endpoint, protocol = 'grpc'] = process.argv.slice(2);
const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${protocol}`);
const { OTLPMetricExporter } = require(`@opentelemetry/exporter-metrics-otlp-${protocol}`);
const urlOf = (signal) => (protocol === 'grpc' ? endpoint : `${endpoint}/v1/${signal}`);
const resource = resources.resourceFromAttributes({ 'service.name': 'interop-js-signals', 'host.cpus': 2 });
const moment = [1795449600, 123456789];
const inside = trace.setSpanContext(ROOT_CONTEXT, {
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  traceFlags: TraceFlags.SAMPLED,
});

const BODIES = ['plain', '', 'grüße, 世界, \u{1F680}', 42, 0.25, true, { nested: { list: [1, 'two', [false]] } }, ['a', 1], new Uint8Array([0, 255, 7])];

async function sendLogs() {
  const provider = new logs.LoggerProvider({
    resource,
    processors: [new logs.BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: urlOf('logs') }) })],
  });
  const logger = provider.getLogger('interop', '1.0', { schemaUrl: 'https://example.test/schema' });
  for (const [number, body] of BODIES.entries()) {
    logger.emit({
      body,
      timestamp: moment,
      observedTimestamp: moment,
      severityNumber: SeverityNumber.INFO + number,
      severityText: `level ${number}`,
      context: number % 2 ? inside : ROOT_CONTEXT,
      eventName: number % 2 ? 'an.event' : undefined,
      attributes: { number, half: number / 2, text: 'x'.repeat(number), list: [number, number + 1] },
    });
  }
  await provider.shutdown();
}

async function sendMetrics() {
  const reader = new metrics.PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: urlOf('metrics') }),
    exportIntervalMillis: 3600000,
  });
  const aggregation = { type: metrics.AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20, recordMinMax: true } };
  const provider = new metrics.MeterProvider({ resource, readers: [reader], views: [{ instrumentName: 'sizes', aggregation }] });
  const meter = provider.getMeter('interop', '2.0');
  const requests = meter.createCounter('requests', { unit: '1', description: 'counted', valueType: ValueType.INT });
  requests.add(7, { route: '/a' });
  requests.add(Number.MAX_SAFE_INTEGER - 10, { route: '/b' });
  meter.createUpDownCounter('level').add(-2.5);
  const latency = meter.createHistogram('latency', { unit: 'ms' });
  const sizes = meter.createHistogram('sizes', { unit: 'By' });
  for (const value of [0, 0.1, 12, 99, 4000, 1e9]) {
    latency.record(value, { route: '/a' });
    sizes.record(value);
  }
  meter.createGauge('temperature').record(-273.15, { place: 'ünder' });
  meter.createObservableUpDownCounter('seen', { valueType: ValueType.INT }).addCallback((result) => {
    result.observe(-7, { flag: true });
    result.observe(0);
  });
  await provider.shutdown();
}

sendLogs()
  .then(sendMetrics)
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
