"""tail_sampling beside a real Collector: the same bytes, the same config, and exactly the same spans kept.

Each test is one config with a pipeline for each of its sets of policies. The Collector runs it once, weft with 1, 2 and 4
workers; only addresses differ. No span is late and no table is full, so that nothing but the policies decides.

What policies with a limit keep depends on when traces are judged. There not the spans are compared but how much they are: each
program must keep whole traces, no more than the limit of its config lets pass, and what such a limit must let pass at least.
"""

import collections
import concurrent.futures
import pathlib
import sys
import threading
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import tail_sampling_policies as policies
from harness import books
from harness import config as configs
from harness import prometheus
from harness.backend import Backend
from harness.case import OutsideInCase
from harness.client import Client
from harness.process import free_port, wait_until
from tail_sampling_load import Load, span_numbers
from test_collector import collector_binary

SEED = 20_260_801
TRACES = 20_000
WORKERS = (1, 2, 4)
COLLECTOR = "the Collector"
METRIC = "otelcol_processor_tail_sampling_"
# What says that a program judged pieces of traces, or could not judge: then it is another test.
STRAY_METRICS = (METRIC + "sampling_late_span_age_count", METRIC + "early_releases_from_cache_decision",
                 METRIC + "sampling_trace_dropped_too_early", METRIC + "sampling_policy_evaluation_error",
                 "weft_join_late_records_kept", "weft_join_late_records_dropped")
# Seconds of decision_wait: long enough that no span is late; on a machine that is busy with other things the next is tried.
WAITS = (3, 15, 60)
# Seconds over which a load is spread that is to go on for a while.
SPREAD_SECONDS = 6.0
# A Collector judges once a second: of the seconds of sending, its first verdicts and its last ones may lack most of one each.
SECONDS_WITHOUT_VERDICTS = 2.0
# Of what must pass in the time left: on a busy machine a Collector is late with a second's verdicts.
BUSY_SHARE = 0.8
# The Collector's own form of a span, by which it counts bytes, leaves out what was overwritten, and writes ids that are not there.
OTHER_FORM = 0.03


class KeepingBackend(Backend):
    """Of each request it keeps the numbers of its spans, by the pipeline that sent it."""

    def __init__(self):
        super().__init__()
        self.kept = collections.defaultdict(list)
        self._keeping = threading.Lock()

    def take(self, method, body, metadata):
        numbers = span_numbers(body)
        with self._keeping:
            self.kept[metadata["pipeline"]] += numbers
        return super().take(method, b"", metadata)


def config_of(address, backend, sets, wait):
    """sets: name -> policies. Each is a pipeline of its own, whose name travels as a header."""
    config = {"receivers": {"otlp": configs.otlp_receiver(address)}, "exporters": {},
              "processors": {"memory_limiter": {"check_interval": "1s", "limit_mib": 8000}, "batch": {"timeout": "200ms"}},
              "service": {"pipelines": {}}}
    for name, items in sets.items():
        config["processors"][f"tail_sampling/{name}"] = {"decision_wait": f"{wait}s", "num_traces": 2 * TRACES, "policies": items,
                                                       **policies.SETTINGS.get(name, {})}
        config["exporters"][f"otlp/{name}"] = configs.otlp_exporter(backend, headers={"pipeline": name})
        processors = ["memory_limiter", f"tail_sampling/{name}", "batch"]
        config["service"]["pipelines"][f"traces/{name}"] = {"receivers": ["otlp"], "processors": processors,
                                                            "exporters": [f"otlp/{name}"]}
    return config


class Party:
    """A program with such a config and a backend of its own."""

    def __init__(self, test, name, sets, wait, **settings):
        self.name = name
        self.wait = wait
        self.set_count = len(sets)
        self.backend = test.start(KeepingBackend())
        self.address = f"127.0.0.1:{free_port()}"
        config = config_of(self.address, self.backend.address, sets, wait)
        self.program = test.start_program(config, [self.address], **settings)

    def send(self, load, seconds=0.0):
        """One request after the other: the order of spans can matter. It takes so many seconds, or as long as it takes."""
        self.sent_from = time.monotonic()
        with Client(self.address) as client:
            for number, body in enumerate(load.requests):
                time.sleep(max(0.0, self.sent_from + seconds * number / len(load.requests) - time.monotonic()))
                reply = client.export(body, seconds=60.0)
                if reply.code != grpc.StatusCode.OK:
                    raise AssertionError(f"{self.name} answered {reply.code}: {reply.message}")
        self.sent_until = time.monotonic()

    def verdicts(self):
        return int(prometheus.total(self.program.metrics(), METRIC + "global_count_traces_sampled"))

    def has_decided(self, load):
        return self.verdicts() >= load.id_count * self.set_count and (
            self.program.is_stand_in or self.program.ledger().waiting == 0)

    def finish(self, load):
        """Waits until every trace has its verdict and everything kept has gone out."""
        wait_until(lambda: self.has_decided(load), 60.0 + self.wait)
        self.decided = time.monotonic()
        samples = self.program.metrics()
        strays = {name: int(prometheus.total(samples, name)) for name in STRAY_METRICS}
        strays["verdicts beyond one for a trace"] = self.verdicts() - load.id_count * self.set_count
        self.strays = {name: count for name, count in strays.items() if count != 0}
        self.ledger = None if self.program.is_stand_in else self.program.ledger(is_audited=True)
        self.program.stop(30.0)

    def most_seconds(self):
        """From the first verdict to the last: the first does not come before the wait, less the second of a tick, is over."""
        return self.decided - self.sent_from - (self.wait - 1)

    def least_seconds(self):
        return self.sent_until - self.sent_from - SECONDS_WITHOUT_VERDICTS


class TailSamplingTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()
        cls.load = Load(SEED, TRACES)
        sent = [number for body in cls.load.requests for number in span_numbers(body)]
        assert sorted(sent) == list(range(len(cls.load.trace_of))), "the mark of span ids is not what finds them"
        cls.spans_of = collections.defaultdict(list)  # trace id -> numbers
        for number, trace in enumerate(cls.load.trace_of):
            cls.spans_of[cls.load.trace_ids[trace]].append(number)
        print(f"{cls.load.id_count} traces, {len(sent)} spans, {len(cls.load.requests)} requests, "
              f"{sum(map(len, cls.load.requests))} bytes, seed {SEED}", flush=True)

    def play(self, parties, seconds):
        with concurrent.futures.ThreadPoolExecutor(len(parties)) as pool:
            list(pool.map(lambda party: party.send(self.load, seconds), parties))
            list(pool.map(lambda party: party.finish(self.load), parties))

    def wefts(self, sets, wait):
        return [Party(self, f"weft with {workers} worker{'s' * (workers > 1)}", sets, wait, workers=workers) for workers in WORKERS]

    def played(self, sets, seconds=0.0):
        """The parties when all of them have judged all traces whole; the Collector is the first."""
        for wait in WAITS:
            parties = [Party(self, COLLECTOR, sets, wait, program=self.collector, stand_in=True), *self.wefts(sets, wait)]
            self.play(parties, seconds)
            strays = {party.name: party.strays for party in parties if party.strays}
            if not strays:
                return parties
            print(f"      with a decision_wait of {wait} s spans were late: {strays}", flush=True)
        self.fail(f"no decision_wait was long enough: {strays}")

    def compare(self, sets):
        reference, *wefts = self.played(sets)
        for name in sets:
            for party in wefts:
                with self.subTest(name, party=party.name):
                    self.assert_same_kept(name, reference, party)
        for party in wefts:
            self.assert_books(party)
        return reference

    def assert_same_kept(self, name, reference, party):
        expected, actual = (collections.Counter(each.backend.kept[name]) for each in (reference, party))
        all_count = len(self.load.trace_of)
        print(f"      {name}: {reference.name} kept {expected.total()} and dropped {all_count - expected.total()} spans, "
              f"{party.name} kept {actual.total()} and dropped {all_count - actual.total()}", flush=True)
        if actual != expected:
            lines = list(self.differences(reference, expected, party, actual))
            self.fail(f"{len(lines)} traces differ, among them\n" + "\n".join(lines[:10]) +
                      f"\nThe config is {party.program.config['processors']['tail_sampling/' + name]}")

    def differences(self, reference, expected, party, actual):
        """A line for each trace of which the one kept a span that the other did not keep, or not as often."""
        for side, more in ((reference, expected - actual), (party, actual - expected)):
            by_trace = collections.defaultdict(list)
            for number in sorted(more.elements()):
                by_trace[self.load.trace_of[number]].append(number)
            for trace, numbers in by_trace.items():
                yield f"only {side.name} kept of trace {trace} ({self.load.trace_ids[trace].hex()}) the spans {numbers}"

    def compare_limits(self, sets):
        """How much each program kept, not what: its limit, and what it must let pass, are computed from the config."""
        parties = self.played(sets, SPREAD_SECONDS)
        for name, items in sets.items():
            for party in parties:
                with self.subTest(name, party=party.name):
                    self.assert_within_limit(name, items, party)
        for party in parties[1:]:
            self.assert_books(party)

    def assert_within_limit(self, name, items, party):
        """Of a limiter within not or drop, what is not kept is what it let pass."""
        kept = self.kept_traces(name, party)
        is_opposite = {"not", "drop"} & {policy["type"] for policy in items}
        passed = set(self.spans_of) - kept if is_opposite else kept
        self.assert_passed(name, next(filter(None, map(policies.limit_of, items))), passed, party)

    def assert_passed(self, name, limit, passed, party):
        """Spans are counted exactly. Of bytes the Collector counts a trace's parts of the requests it came in, weft its resources
        and scopes once each: both count at least its spans' own, and at most those of the parts. So the former must be within
        the limit, and the latter must use it up, but for a trace of the largest size that did not fit."""
        low, high = self.amounts(limit.unit, passed)
        most, least = limit.most(party.most_seconds()), BUSY_SHARE * limit.least(party.least_seconds())
        print(f"      {name}: {party.name} let {low} to {high} {limit.unit} pass, and had to let from {least:.0f} to {most:.0f} "
              f"in {party.least_seconds():.1f} to {party.most_seconds():.1f} s", flush=True)
        self.assertLessEqual(low, most)
        self.assertGreaterEqual(high, least - min(limit.burst, self.largest(limit.unit)))
        for trace in passed if limit.extra_seconds == 0 else ():
            self.assertLessEqual(self.amounts(limit.unit, [trace])[0], limit.burst, f"trace {trace.hex()} is over the burst")

    def amounts(self, unit, traces):
        """The least and the most that their count can be."""
        numbers = [number for trace in traces for number in self.spans_of[trace]]
        if unit == "spans":
            return len(numbers), len(numbers)
        own, around = (sum(of[number] for number in numbers) for of in (self.load.span_bytes, self.load.bytes_around))
        return int(own * (1 - OTHER_FORM)), int((own + around) * (1 + OTHER_FORM))

    def largest(self, unit):
        return max(self.amounts(unit, [trace])[1] for trace in self.spans_of)

    def kept_traces(self, name, party):
        """The ids of those that were kept, each of them whole and once."""
        numbers = party.backend.kept[name]
        kept = {self.load.trace_ids[self.load.trace_of[number]] for number in numbers}
        self.assertEqual(sorted(numbers), sorted(number for trace in kept for number in self.spans_of[trace]))
        return kept

    def assert_books(self, party):
        """sent + dropped(sampled_out) = accepted, by the ledger's word and by what the backend has."""
        ledger = party.ledger
        kept = sum(map(len, party.backend.kept.values()))
        self.assertEqual(ledger.disagreements(), [])
        self.assertEqual((ledger.refused, ledger.waiting, ledger.sent), (0, 0, kept), ledger)
        self.assertEqual(ledger.accepted + ledger.copied, len(self.load.trace_of) * party.set_count)
        self.assertEqual(ledger.dropped, {"sampled_out": ledger.accepted + ledger.copied - kept} if kept < ledger.accepted +
                         ledger.copied else {})

    def test_latency(self):
        self.compare(policies.LATENCY)

    def test_status_code(self):
        self.compare(policies.STATUS_CODE)

    def test_string_attribute_exact(self):
        self.compare(policies.STRING_EXACT)

    def test_string_attribute_regex(self):
        self.compare(policies.STRING_REGEX)

    def test_string_attribute_regex_odd(self):
        self.compare(policies.STRING_REGEX_ODD)

    def test_probabilistic(self):
        self.compare(policies.PROBABILISTIC)

    def test_probabilistic_salted(self):
        self.compare(policies.PROBABILISTIC_SALTED)

    def test_and_drop(self):
        self.compare(policies.COMBINED)

    def test_string_attribute_regex_peculiar(self):
        self.compare(policies.STRING_REGEX_PECULIAR)

    def test_numeric_attribute(self):
        self.compare(policies.NUMERIC)

    def test_numeric_attribute_odd(self):
        self.compare(policies.NUMERIC_ODD)

    def test_boolean_attribute(self):
        self.compare(policies.BOOLEAN)

    def test_span_count_and_trace_flags(self):
        self.compare(policies.SPAN_COUNT_AND_FLAGS)

    def test_trace_state(self):
        self.compare(policies.TRACE_STATE)

    def test_not(self):
        self.compare(policies.NOT)

    def test_not_within_and_drop(self):
        self.compare(policies.NOT_WITHIN)

    def test_composite(self):
        self.compare(policies.COMPOSITE)

    def test_limits_that_are_not_reached(self):
        self.compare(policies.LIMITS_NOT_REACHED)

    def test_rate_limiting(self):
        self.compare_limits(policies.SPANS_LIMITED)

    def test_bytes_limiting(self):
        self.compare_limits(policies.BYTES_LIMITED)

    def test_composite_limited(self):
        self.compare_limits(policies.COMPOSITE_LIMITED)

    def test_limiter_behind_another(self):
        """Each policy is asked, so traces that the first keeps anyway use the limit up; with sample_on_first_match they do not.

        Compared is what is kept beyond the share of the first: of one in ten traces, so of about a tenth of the limit."""
        sets = policies.BEHIND_ANOTHER
        for party in self.played(sets, SPREAD_SECONDS):
            kept = {name: self.kept_traces(name, party) for name in sets}
            beyond = {name: kept[name] - kept["share-alone"] for name in sets}
            counts = {name: self.amounts("spans", traces)[0] for name, traces in beyond.items()}
            print(f"      {party.name} kept beyond the share {counts} spans", flush=True)
            for name in ("bucket", "composite"):
                with self.subTest(name, party=party.name):
                    self.assertLess(kept["share-alone"], kept[name])
                    most = policies.limit_of(sets[name][1]).most(party.most_seconds())
                    self.assertLess(counts[name], most / 4)
            with self.subTest("first-match", party=party.name):
                self.assertLess(kept["share-alone"], kept["first-match"])
                self.assert_passed("first-match", policies.limit_of(sets["first-match"][1]), beyond["first-match"], party)

    def test_mixes(self):
        self.compare_mixes(SEED)

    def test_other_mixes(self):
        self.compare_mixes(SEED + 1)

    def compare_mixes(self, seed):
        """Of each mix some traces are kept and some are not, or it would say little."""
        sets = policies.mixes(seed, 5)
        reference = self.compare(sets)
        for name in sets:
            kept = len(reference.backend.kept[name])
            self.assertTrue(0 < kept < len(self.load.trace_of), f"{name} keeps all or none: take another seed")

    def test_books(self):
        """The audit at 100 samples a second, each program alone."""
        for party in self.wefts(policies.COMBINED, WAITS[0]):
            with self.subTest(party.name), books.Auditor(party.program.admin) as auditor:
                party.send(self.load)
                self.assertTrue(wait_until(lambda: party.has_decided(self.load), 60.0))
                auditor.stop()
                party.finish(self.load)
                print(f"      {party.name}: {auditor.sample_count} samples, {party.ledger}", flush=True)
                self.assertEqual((auditor.problems, party.strays), ([], {}))
                self.assert_books(party)
