// The OpenTelemetry SDK of JavaScript with pino, whose lines get the ids of the active span by OpenTelemetry's own
// instrumentation and go to weft by HTTP, one JSON object a line. Some traces have an error, some lines come first.
// usage: node join.js SPANS_URL grpc|proto LINES_URL
// Prints what it has sent as one line of JSON; after a line on its standard input sends and prints what is late.
'use strict';

const readline = require('readline');
const { Writable } = require('stream');
const { SpanKind, SpanStatusCode, context, trace } = require('@opentelemetry/api');
const { PinoInstrumentation } = require('@opentelemetry/instrumentation-pino');
const { NodeSDK, resources, tracing } = require('@opentelemetry/sdk-node');

const [spansUrl, protocol, linesUrl] = process.argv.slice(2);
const { OTLPTraceExporter } = require(`@opentelemetry/exporter-trace-otlp-${protocol}`);
const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

const exporter = new OTLPTraceExporter({ url: spansUrl });
const processor = new tracing.BatchSpanProcessor(exporter, { scheduledDelayMillis: 600000 });
const sdk = new NodeSDK({
  autoDetectResources: false,
  resource: resources.resourceFromAttributes({ 'service.name': `join-js-${protocol}` }),
  instrumentations: [new PinoInstrumentation({ disableLogSending: true })],
  spanProcessors: [processor],
});
sdk.start();
const pino = require('pino'); // after the start: the instrumentation changes it as it is loaded
const tracer = trace.getTracer('join');

// Where pino writes: keeps lines until they are posted.
class Lines extends Writable {
  constructor() {
    super();
    this.kept = [];
  }
  _write(chunk, _, done) {
    this.kept.push(chunk);
    done();
  }
  async post() {
    const body = Buffer.concat(this.kept.splice(0));
    const answer = await fetch(linesUrl, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body });
    if (answer.status !== 200) {
      throw new Error(`the lines were answered ${answer.status}: ${await answer.text()}`);
    }
  }
}

const lines = new Lines();
const logger = pino({ level: 'trace' }, lines);
let sent;

// What was sent is told from the span and the call, not from the line that pino has made of it.
function log(level, body) {
  const active = trace.getActiveSpan()?.spanContext();
  logger[level](body);
  sent.lines.push({ traceId: active?.traceId ?? '', spanId: active?.spanId ?? '', body, level });
}

function inSpan(name, options, fails, inside) {
  return tracer.startActiveSpan(name, options, (span) => {
    inside();
    if (fails) {
      span.recordException(new TypeError('boom'));
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'it failed' });
    }
    span.end();
    sent.spans.push({ ...span.spanContext(), name, isError: fails });
    return span;
  });
}

// Only the leaf fails: a policy has to see every span.
function playTrace(name, fails) {
  return inSpan(`POST /${name}`, { root: true, kind: SpanKind.SERVER }, false, () => {
    log('info', `${name}: grüße, 世界`);
    inSpan(`${name}: step`, { kind: SpanKind.CLIENT }, false, () => {
      for (const level of LEVELS) {
        log(level, `${name}: a line of ${level}`);
      }
      inSpan(`${name}: leaf`, {}, fails, () => log('debug', `${name}: in the leaf`));
    });
  });
}

function playLate(name, root, number) {
  context.with(trace.setSpan(context.active(), root), () => {
    log('error', `${name}: a late line of the root`); // changes no verdict
    if (number % 2) {
      inSpan(`${name}: late span`, {}, number % 3 === 0, () => log('warn', `${name}: a late line of a late span`));
    }
  });
}

async function send(areLinesFirst) {
  const posting = [() => lines.post(), () => processor.forceFlush()];
  for (const post of areLinesFirst ? posting : posting.reverse()) {
    await post();
  }
}

function tell() {
  console.log(JSON.stringify(sent));
  sent = { spans: [], lines: [] };
}

async function main() {
  const roots = new Map();
  sent = { spans: [], lines: [] };
  for (const areLinesFirst of [true, false]) {
    for (let number = 0; number < 6; number++) {
      const name = `${protocol}-${areLinesFirst ? 'lines' : 'spans'}-first-${number}`;
      roots.set(name, playTrace(name, number % 2 === 0));
    }
    log('info', 'a line outside of any span');
    await send(areLinesFirst);
  }
  tell();
  const input = readline.createInterface({ input: process.stdin });
  await new Promise((resolve) => input.once('line', resolve));
  [...roots].forEach(([name, root], number) => playLate(name, root, Math.floor(number / 2)));
  log('warn', 'a late line outside of any span');
  await send(true);
  tell();
  input.close();
  await sdk.shutdown();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
