// A web page's script: the OpenTelemetry SDK for browsers sends spans to the URL that the page's own URL names
// (?send=http://host:port), and the page's title says how that went: "exported", or "failed: " and why.
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { SimpleSpanProcessor, WebTracerProvider } from '@opentelemetry/sdk-trace-web';

const url = `${new URLSearchParams(location.search).get('send')}/v1/traces`;
// A header that is not among the plain ones, so that the preflight has something to ask for.
const exporter = new OTLPTraceExporter({ url, headers: { 'x-page-key': 'k' }, timeoutMillis: 3000 });
const results = [];
const watched = {
  export: (spans, done) => exporter.export(spans, (result) => {
    results.push(result);
    done(result);
  }),
  forceFlush: () => exporter.forceFlush(),
  shutdown: () => exporter.shutdown(),
};
const provider = new WebTracerProvider({ spanProcessors: [new SimpleSpanProcessor(watched)] });
const tracer = provider.getTracer('page', '1.0');

for (let number = 0; number < 5; number++) {
  const span = tracer.startSpan(`click ${number}`, {
    kind: SpanKind.CLIENT,
    attributes: { number, text: 'grüße, 世界 \u{1F680}', list: ['a', 'b'], ratio: 0.5, flag: true },
  });
  span.addEvent('painted', { 'at.ms': 16.7 });
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
  span.end();
}
await provider.forceFlush().catch(() => {}); // what failed is in the results
const failed = results.filter((result) => result.code !== 0);
document.title = failed.length > 0 ? `failed: ${failed[0].error}` : results.length === 5 ? 'exported' : `failed: ${results.length} results`;
