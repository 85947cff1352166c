// Plays Inngest for the function of docs/conventions.md, with the SDK of OpenTelemetry as an application sets it up. A step
// runs in a call of its own: the function is entered once for each step and once more with what the steps gave.
// usage: node play_inngest.js FUNCTION.mjs SPANS_URL RUN_ID < EVENT   (the last line of its output is what the run gave)
'use strict';

const { pathToFileURL } = require('url');
const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
const { NodeSDK, resources, tracing } = require('@opentelemetry/sdk-node');

const [path, spansUrl, runId] = process.argv.slice(2);

async function enter(handler, event, results) {
  let found;
  const step = {
    run(id, work) {
      if (results.has(id)) {
        return Promise.resolve(results.get(id));
      }
      found ??= { id, work };
      return new Promise(() => {}); // the call ends here
    },
  };
  const ended = handler({ event, step, runId }).then((result) => ({ result }));
  const stopped = new Promise((resolve) => setImmediate(resolve)).then(() => undefined);
  const outcome = await Promise.race([ended, stopped]);
  if (outcome === undefined && found !== undefined) {
    results.set(found.id, JSON.parse(JSON.stringify(await found.work())));
  }
  return outcome;
}

async function main() {
  const event = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  const sdk = new NodeSDK({
    autoDetectResources: false,
    instrumentations: [],
    resource: resources.resourceFromAttributes({ 'service.name': 'framecast-functions' }),
    spanProcessors: [new tracing.SimpleSpanProcessor(new OTLPTraceExporter({ url: spansUrl }))],
  });
  sdk.start();
  const { render } = await import(pathToFileURL(path));
  if (!render.options.triggers.some((trigger) => trigger.event === event.name)) {
    throw new Error(`no trigger for ${event.name}`);
  }
  const results = new Map();
  let outcome;
  for (let calls = 0; outcome === undefined && calls < 10; calls++) {
    outcome = await enter(render.handler, event, results);
  }
  await sdk.shutdown();
  console.log(JSON.stringify(outcome.result));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
