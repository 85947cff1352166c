// An application that serves the function of docs/conventions.md to Inngest, with the SDK of OpenTelemetry around it.
// usage: node app.js PORT SPANS_URL ENDED_FILE [http]   (render.mjs and node_modules stand beside it)
// With "http" the requests that come and go have spans, too. On SIGTERM it writes what spans it had into ENDED_FILE.
'use strict';

const fs = require('fs');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { UndiciInstrumentation } = require('@opentelemetry/instrumentation-undici');
const { NodeSDK, resources, tracing } = require('@opentelemetry/sdk-node');

const [port, spansUrl, endedFile, instrumented] = process.argv.slice(2);

const ended = [];
const recorder = {
  onStart() {},
  onEnd(span) {
    ended.push({ traceId: span.spanContext().traceId, spanId: span.spanContext().spanId, name: span.name });
  },
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

const sdk = new NodeSDK({
  autoDetectResources: false,
  // A header that nobody should have captured: the agent masks it.
  instrumentations: instrumented === 'http' ? [
    new HttpInstrumentation({ ignoreOutgoingRequestHook: (request) => spansUrl.includes(`:${request.port}/`) }),
    new UndiciInstrumentation({ headersToSpanAttributes: { requestHeaders: ['authorization'] } }),
  ] : [],
  resource: resources.resourceFromAttributes({ 'service.name': 'framecast-functions' }),
  spanProcessors: [recorder, new tracing.BatchSpanProcessor(new OTLPTraceExporter({ url: spansUrl }))],
});
sdk.start();
const http = require('http'); // after the SDK's start, which patches it

async function main() {
  const { serve } = await import('inngest/node');
  const { inngest, render } = await import('./render.mjs');
  const server = http.createServer(serve({ client: inngest, functions: [render] }));
  server.listen(Number(port), '127.0.0.1');
  process.once('SIGTERM', async () => {
    server.close();
    server.closeAllConnections();
    await sdk.shutdown();
    fs.writeFileSync(endedFile, JSON.stringify(ended));
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
