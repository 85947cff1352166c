// The JSON scanner against JSON.parse of Node: the same texts are taken, and the same values come of them. The texts are the
// corpus of the fuzz target, each of its texts cut off at every byte and with bytes changed, and the lines below.
// usage: node json_as_node.js PROGRAM CORPUS   (PROGRAM: json_values.c; the last line is "N texts, N taken, N differences")
//
// Where the two part on purpose: weft refuses what is nested deeper than 64. A half of a surrogate pair and a number
// beyond any double have no one value: weft has U+FFFD for the half, which is what Node makes of it when it becomes UTF-8.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { isDeepStrictEqual } = require('node:util');

const MAX_DEPTH = 64;
const nested = (count, inner) => '['.repeat(count) + inner + ']'.repeat(count);
const objects = (count, inner) => '{"a":'.repeat(count) + inner + '}'.repeat(count);

const LINES = [
  // keys that come twice, also when written differently or equal to names of the language
  '{"a":1,"a":2}', '{"a":{"b":1},"a":{"c":2}}', '{"a":1,"\\u0061":2}', '{"":1,"":2}', '{"__proto__":1}', '{"__proto__":{"a":1},"constructor":2}',
  '{"1":1,"0":2,"1":3}', '{"a":[1],"a":null}',
  // surrogates
  '"\\ud800"', '"\\udc00"', '"\\ud800\\udc00"', '"\\udbff\\udfff"', '"\\ud800\\ud800\\udc00"', '"\\udc00\\ud800"', '"\\ud800x"', '"\\ud800\\n"',
  '"\\ud800\\u0041"', '"\\uD83D\\uDE80"', '"\\ud83d"', '{"\\ud800":1}', '"\\ud7ff\\ue000\\uffff\\ufffe"', '"\\ud800\\\\udc00"',
  // escapes
  '"\\u0000"', '"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\x41"', '"\\u12"', '"\\u12g4"', '"\\U0041"', '"\\', '"\\u', '"\\\'"', '"\\a"', '"\\0"', '"\\u{41}"',
  '"a\tb"', '"a\nb"', '"a\0b"', '"\x7f"', '"\x1f"', '"\u2028\u2029"', '"ünï 世界 \u{1f680}"',
  // numbers
  '0', '-0', '-0.0', '-0e5', '00', '-00', '01', '-01', '1.', '.5', '-.5', '+1', '-', '--1', '1.e5', '1e', '1e+', '1e-', '1E5', '1e+05', '1e-05', '0e0',
  '1.5e3', '0x10', '1_000', '1,5', 'NaN', 'Infinity', '-Infinity', '1n', '1f', '1e5.5', '1 2', '1e999', '-1e999', '1e-999', '1e400', '1.8e308',
  '1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', '5e-324', '2.4703282292062328e-324', '2.4703282292062327e-324',
  '2.2250738585072011e-308', '2.2250738585072014e-308', '9007199254740991', '9007199254740992', '9007199254740993', '9007199254740995',
  '9223372036854775807', '9223372036854775808', '-9223372036854775808', '18446744073709551615', '18446744073709551616',
  '123456789012345678901234567890', `1${'0'.repeat(400)}`, `0.${'0'.repeat(400)}1`, `1${'0'.repeat(400)}e-400`, `0.${'0'.repeat(400)}1e401`, '1e22', '1e23',
  '8.5e22', '0.1', '0.30000000000000004', '90071992.54740993', '9007199254740993.0', '9007199254740993e-3', '1e00000000000000000000001',
  '1e-00000000000000000000001', '1e99999999999999999999999', '1e-99999999999999999999999', '0e99999999999999999999999', '4.35', '1.15', '100e-2',
  // depth
  nested(63, '1'), nested(64, '1'), nested(65, '1'), nested(64, ''), nested(65, ''), objects(64, '1'), objects(65, '1'), objects(64, '[]'), objects(63, '[]'),
  `[${nested(63, '')},${nested(63, '{}')}]`, '['.repeat(100), '{"a":'.repeat(100),
  // what stands before, between and after
  '', ' ', '\n', '1 ', ' 1', '\t\r\n {} \t\r\n', '1x', '{}{}', '[]]', '{}}', '[1]1', 'null null', '\v1', '\f1', '\u00a01', '\ufeff1', '\ufeff{}', '1\0', '{}\0', '\0',
  '[1,]', '[,1]', '[,]', '[1,,2]', '[1 2]', '{"a":1,}', '{,}', '{"a"}', '{"a":}', '{"a",1}', '{a:1}', "{'a':1}", '{1:1}', '{"a":1 "b":2}', '{"a"::1}', '[1:2]',
  '[', ']', '{', '}', '[}', '{]', '[1', '{"a":1', '"', '"a', '/* c */1', '1//c', '{"a" : 1 , "b" : [ 1 , 2 ] }', '[ ]', '{ }', '[\n\n]',
  'true', 'false', 'null', 'True', 'tru', 'truex', 'nul', 'nullnull', 'undefined', 'TRUE', 't', '[true,false,null]', '[truefalse]',
].map((text) => Buffer.from(text, 'utf8'));

// Bytes that are no UTF-8: cut off, overlong, surrogates, beyond Unicode, and each alone.
const BYTES = ['22ff22', '2280 22', '22c022', '22c08022', '22c1bf22', '22c222', '22e08022', '22e0808022', '22e09fbf22', '22eda08022', '22edbfbf22', '22ed9fbf22',
  '22ee808022', '22f0808080 22', '22f08fbfbf22', '22f0908080 22', '22f48fbfbf22', '22f4908080 22', '22f5808080 22', '22f09080 22', 'ff', 'efbbbf31', 'c2a0',
  '7b22c3223a317d', '5b22e4b896222c22e4b8225d'].map((text) => Buffer.from(text.replaceAll(' ', ''), 'hex'));

// Numbers where rounding is hard: up to 19 digits, at and beyond the exponents that a double holds exactly. The same at each run.
function numbers() {
  let state = 88172645463325252n;
  const next = (below) => {
    state ^= (state << 13n) & 0xffffffffffffffffn;
    state ^= state >> 7n;
    state ^= (state << 17n) & 0xffffffffffffffffn;
    return state % BigInt(below);
  };
  const one = () => {
    const digits = next(10n ** (1n + next(19))).toString();
    const exponent = next(8) === 0n ? next(640) - 330n : next(60) - 30n;
    const point = Number(next(digits.length));
    return `${next(2) === 0n ? '-' : ''}${point === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`}e${exponent}`;
  };
  return Array.from({ length: 5000 }, () => Buffer.from(one()));
}

// Every beginning of a text, and the text with one byte changed, once at each place.
function* bent(text) {
  const swaps = Buffer.from('"\\{}[]:,0-.eEu \t\n\x00\x1f\x7f\x80\xbf\xc3\xed\xf0\xff', 'latin1');
  for (let at = 0; at < text.length; at++) {
    yield text.subarray(0, at);
    const changed = Buffer.from(text);
    changed[at] = swaps[(at * 7 + text.length) % swaps.length];
    yield changed;
  }
}

function texts(corpus) {
  const found = fs.readdirSync(corpus).sort().map((name) => fs.readFileSync(path.join(corpus, name)).subarray(1)); // the first byte chooses a signal
  const whole = [...found, ...LINES, ...BYTES];
  return [...whole, ...numbers(), ...whole.flatMap((text) => [...bent(text)])];
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const hex = (text) => Buffer.from(text, 'utf8').toString('hex');

function bits(number) {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes.toString('hex');
}

// A value in the form that json_values.c prints.
function marked(value) {
  if (typeof value === 'string') return `s${hex(value)}`;
  if (typeof value === 'number') return `n${bits(value)}`;
  if (Array.isArray(value)) return value.map(marked);
  if (value === null || typeof value === 'boolean') return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [`k${hex(key)}`, marked(item)]));
}

// Takes the integers off what json_values.c printed; each must be the double beside it, rounded.
function withoutIntegers(value) {
  if (Array.isArray(value)) return value.map(withoutIntegers);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutIntegers(item)]));
  if (typeof value !== 'string' || value[0] !== 'n' || !value.includes(':')) return value;
  const [number, magnitude] = value.slice(1).split(':');
  const rounded = Number(BigInt(magnitude));
  return rounded === Math.abs(Buffer.from(number, 'hex').readDoubleBE()) ? `n${number}` : `n${number} is not ${magnitude}`;
}

function depthOf(text) {
  let depth = 0, deepest = 0;
  for (const [token] of text.replace(/"(?:[^"\\]|\\.)*"/gs, '').matchAll(/[[\]{}]/g)) {
    depth += token === '[' || token === '{' ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}

function wanted(bytes) {
  try {
    const text = utf8.decode(bytes);
    const value = JSON.parse(text);
    return depthOf(text) > MAX_DEPTH ? undefined : marked(value);
  } catch (error) {
    if (!(error instanceof SyntaxError) && error.code !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw error;
    return undefined; // undefined is what nothing parses to
  }
}

const [program, corpus] = process.argv.slice(2);
const all = texts(corpus);
const run = spawnSync(program, { input: all.map((text) => `${text.toString('hex')}\n`).join(''), maxBuffer: 1 << 30 });
if (run.status !== 0) throw new Error(`${program} ended with ${run.status ?? run.signal ?? run.error}: ${run.stderr}`);
const lines = run.stdout.toString().split('\n').slice(0, -1);
if (lines.length !== all.length) throw new Error(`${all.length} texts, but ${lines.length} lines`);

let taken = 0, differences = 0;
all.forEach((text, index) => {
  const expected = wanted(text);
  const actual = lines[index] === 'refused' ? undefined : withoutIntegers(JSON.parse(lines[index]));
  taken += actual !== undefined;
  if (isDeepStrictEqual(expected, actual)) return;
  if (++differences <= 20) console.log(`${JSON.stringify(text.toString('latin1'))}\n  Node: ${JSON.stringify(expected)}\n  weft: ${lines[index]}`);
});
console.log(`${all.length} texts, ${taken} taken, ${differences} differences`);
process.exitCode = differences === 0 ? 0 : 1;
