"""Reloads that change one thing under load. What did not change goes on as if nothing had happened; a receiver that
changed takes over the port of the one that it replaces; and nothing is lost, counted twice or left behind."""

import pathlib
import signal
import sys
import time

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import FaultCase, for_each_worker_count, seconds
from harness import config as configs
from harness import otlp
from harness.backend import Answer, Backend
from harness.case import only_weft
from harness.client import Client, Outcome
from harness.process import free_port, is_listening, wait_until


@for_each_worker_count
class Reloads(FaultCase):
    @only_weft("its receiver does not listen while it starts over")
    def fault_only_the_receiver_changes(self):
        """The same endpoint in a changed block: the new receiver listens on the socket of the old one."""
        self.begin()
        for size in (5, 6, 7):
            time.sleep(seconds(1, 0.3))
            self.reload_to(self.changed(lambda config: config["receivers"]["otlp"]["protocols"]["grpc"].update(
                max_recv_msg_size_mib=size)))
        time.sleep(seconds(2, 0.3))
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("its receiver does not listen while it starts over")
    def fault_only_the_processor_changes(self):
        self.begin()
        for size in (300, 400):
            time.sleep(seconds(1, 0.3))
            self.reload_to(self.changed(lambda config: config["processors"]["batch"].update(
                send_batch_size=size, send_batch_max_size=size)))
        time.sleep(seconds(2, 0.3))
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("its receiver does not listen while it starts over")
    def fault_only_the_exporter_changes(self):
        self.begin(answer=lambda number, body: Answer(delay=0.05))
        for limit in ("6s", "7s"):
            time.sleep(seconds(1, 0.3))
            self.reload_to(self.changed(lambda config: config["exporters"]["otlp"].update(timeout=limit)))
        time.sleep(seconds(2, 0.3))
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("its receiver does not listen while it starts over")
    def fault_a_pipeline_comes_and_goes(self):
        """The second pipeline gets copies of what the first one gets, from the reload on to the next one."""
        self.begin()
        first = self.program.config
        other = self.start(Backend())

        def add(config):
            config["exporters"]["otlp/other"] = configs.otlp_exporter(other.address)
            config["service"]["pipelines"]["traces/other"] = {"receivers": ["otlp"], "exporters": ["otlp/other"]}

        time.sleep(seconds(1, 0.3))
        self.reload_to(self.changed(add))
        self.assertTrue(wait_until(lambda: other.requests, 5.0), "the second pipeline got nothing")
        self.reload_to(first)
        time.sleep(seconds(1, 0.3))
        self.load.stop()
        ledger = self.settled_ledger()
        self.assertEqual(ledger.disagreements(), [])
        self.assertEqual(ledger.copied, len(set(other.span_ids())))
        self.assertEqual(ledger.sent, ledger.accepted + ledger.copied)
        self.finish_quietly()

    def finish_quietly(self):
        self.auditor.stop()
        self.assertEqual(self.auditor.problems, [])
        self.assertEqual(self.load.spans(Outcome.ACCEPTED) - set(self.sinks[0].span_ids()), set())
        self.assertEqual(self.load.count(Outcome.LOST) + self.load.count(Outcome.REFUSED), 0, self.load.refusals)

    def fault_the_endpoint_moves_and_comes_back(self):
        """The port that was left refuses at once, long before what came in through it has drained."""
        self.begin()
        first = self.program.config
        moved = f"127.0.0.1:{free_port()}"
        time.sleep(0.2)
        self.reload_to(self.changed(lambda config: config["receivers"]["otlp"]["protocols"]["grpc"].update(endpoint=moved)))
        self.assertTrue(is_listening(moved))
        self.assertFalse(is_listening(self.address), "the port that was left is still there")
        self.reload_to(first)
        self.assertTrue(is_listening(self.address))
        self.assertFalse(is_listening(moved))
        self.assertTrue(wait_until(lambda: len(self.load.ranges[Outcome.ACCEPTED]) > 50, 10.0))
        self.finish(is_refusal_expected=True)

    @only_weft("it starts over")
    def fault_the_endpoint_widens_and_narrows(self):
        """From 127.0.0.1 to all addresses, and back: the same port all the time."""
        self.begin()
        first = self.program.config
        port = self.address.rsplit(":", 1)[1]
        time.sleep(0.2)
        self.reload_to(self.changed(lambda config: config["receivers"]["otlp"]["protocols"]["grpc"].update(
            endpoint=f"0.0.0.0:{port}")))
        self.assertTrue(is_listening(self.address) and is_listening(f"127.0.0.2:{port}"))
        self.reload_to(first)
        self.assertTrue(is_listening(self.address))
        self.assertFalse(is_listening(f"127.0.0.2:{port}"))
        time.sleep(0.2)
        self.finish(is_refusal_expected=True)

    @only_weft("it starts over")
    def fault_a_receiver_that_is_not_used_any_more_closes_its_port(self):
        """Its block stays in the file, and it comes back."""
        self.begin()
        other = f"127.0.0.1:{free_port()}"
        first = self.program.config
        time.sleep(0.2)

        def define(config):
            config["receivers"]["otlp/other"] = configs.otlp_receiver(other)

        def use(config):
            define(config)
            config["service"]["pipelines"]["traces"]["receivers"] = ["otlp", "otlp/other"]

        for _ in range(2):
            self.program.config = first
            self.reload_to(self.changed(use))
            self.assertTrue(is_listening(other))
            with Client(other) as client:
                self.assertIs(client.export(b"").outcome, Outcome.ACCEPTED)
            self.program.config = first
            self.reload_to(self.changed(define))
            self.assertFalse(is_listening(other))
        self.finish()

    @only_weft("it starts over")
    def fault_two_receivers_swap_their_endpoints(self):
        self.begin()
        other = f"127.0.0.1:{free_port()}"

        def listen(config, here, there):
            config["receivers"] = {"otlp": configs.otlp_receiver(here), "otlp/other": configs.otlp_receiver(there)}
            config["service"]["pipelines"]["traces"]["receivers"] = ["otlp", "otlp/other"]

        self.reload_to(self.changed(lambda config: listen(config, self.address, other)))
        self.reload_to(self.changed(lambda config: listen(config, other, self.address)))
        self.assertTrue(is_listening(other) and is_listening(self.address))
        time.sleep(0.2)
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("it starts over")
    def fault_one_endpoint_for_two_receivers_is_refused(self):
        self.begin()

        def twice(config):
            config["receivers"]["otlp/other"] = configs.otlp_receiver(self.address, max_recv_msg_size_mib=9)
            config["service"]["pipelines"]["traces"]["receivers"] = ["otlp", "otlp/other"]

        self.program.write(self.changed(twice))
        self.program.reload()
        self.assertTrue(wait_until(lambda: '"agent.reload_failed"' in self.program.process.log_text(), 10.0))
        self.assertIn("already listens on that endpoint", self.program.process.log_text())
        time.sleep(0.2)
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("it starts over")
    def fault_many_reloads_in_a_row(self):
        self.begin(answer=lambda number, body: Answer(delay=0.02))
        for size in range(5, 15):
            self.program.write(self.changed(lambda config: config["receivers"]["otlp"]["protocols"]["grpc"].update(
                max_recv_msg_size_mib=size)))
            self.program.reload()
            time.sleep(0.02)
        time.sleep(seconds(2, 1))
        self.finish()
        self.assertEqual(self.load.count(Outcome.LOST), 0, self.load.refusals)

    @only_weft("it keeps no books over a restart")
    def fault_sigterm_during_a_reload(self):
        """The former exporter still waits for its backend when the signal comes."""
        self.begin(answer=lambda number, body: Answer(delay=0.7), may_be_down=True)
        time.sleep(0.5)
        self.sinks.append(self.start(Backend()))
        self.program.write(self.changed(lambda config: config["exporters"]["otlp"].update(endpoint=self.sinks[1].address)))
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.sinks[1].requests, 15.0), "the new backend never got anything")
        self.load.stop()
        self.program.stop(30)
        self.program.start()
        self.finish(is_refusal_expected=True)


@for_each_worker_count
class ReloadsWithCallsOpen(FaultCase):
    @only_weft("it has no acknowledge")
    def fault_a_receiver_goes_while_an_exporter_holds_its_calls(self):
        """acknowledge: delivered, and a backend that does not answer: the receiver is taken out at the deadline with its calls
        open, and they end later, in the exporter that stays."""
        is_holding = [True]
        sink = self.start(Backend(answer=lambda number, body: Answer(delay=3.0 if is_holding[0] else 0.0)))
        self.address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(sink.address)})
        config["receivers"]["otlp"]["acknowledge"] = "delivered"
        program = self.start_program(config, [self.address], workers=self.workers, extra=["--reload-timeout", "500ms"])
        with Client(self.address) as client:
            call = client.channel.unary_unary(otlp.TRACES_METHOD).future(otlp.numbered_request(0, 5), timeout=10)
            self.assertTrue(wait_until(lambda: sink.requests, 5.0))
            config["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] = 7
            program.write(config)
            program.reload()
            self.assertTrue(wait_until(lambda: '"agent.reloaded"' in program.process.log_text(), 10.0))
            self.assertIsNotNone(call.exception())
            is_holding[0] = False
            self.assertTrue(wait_until(lambda: program.ledger().waiting == 0, 10.0))
            ledger = program.ledger(is_audited=True)
            self.assertEqual((ledger.disagreements(), ledger.sent), ([], 5))
            self.assertIs(client.export(otlp.numbered_request(5, 5)).outcome, Outcome.ACCEPTED)


@for_each_worker_count
class ShutdownInAReload(FaultCase):
    @only_weft("it starts over")
    def fault_a_former_graph_that_cannot_end_leaves_time_for_the_present_one(self):
        """The old backend takes nothing, so that the former graph still drains when the end comes; what the present one
        holds has a backend that is well, and reaches it."""
        refusing = self.start(Backend(answer=lambda number, body: Answer(status=grpc.StatusCode.UNAVAILABLE)))
        sink = self.start(Backend())
        address = f"127.0.0.1:{free_port()}"
        processors = {"batch": {"timeout": "60s", "send_batch_size": 5}}

        def config_to(backend):
            return configs.pipeline(address, {"otlp": configs.otlp_exporter(backend.address)}, processors)

        program = self.start_program(config_to(refusing), [address], workers=self.workers, extra=["--shutdown-timeout", "4s"])
        with Client(address) as client:
            self.assertIs(client.export(otlp.numbered_request(0, 5)).outcome, Outcome.ACCEPTED)
            self.assertTrue(wait_until(lambda: refusing.requests, 5.0))
            program.write(config_to(sink))
            program.reload()
            self.assertTrue(wait_until(lambda: '"agent.reloading"' in program.process.log_text(), 5.0))
            time.sleep(0.2)
            self.assertIs(client.export(otlp.numbered_request(5, 4)).outcome, Outcome.ACCEPTED)
        program.process.signal(signal.SIGTERM)
        self.assertEqual(program.process.wait(20), 0)
        self.assertEqual(len(set(sink.span_ids())), 4, program.process.log_tail())


class ReloadOfStatements(FaultCase):
    @only_weft("it starts over")
    def test_statements_and_conditions_are_changed_twice(self):
        """They are compiled beside the ones in use, and freed where those are."""
        sink, address = self.start(Backend()), f"127.0.0.1:{free_port()}"

        def numbered(number):
            policy = {"name": "all", "type": "ottl_condition", "ottl_condition": {"span": [f'attributes["number"] != {1000 + number}']}}
            return configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, {
                "filter": {"trace_conditions": [f'span.attributes["number"] == {1000 + number}']},
                "transform": {"trace_statements": [f'set(span.attributes["reload"], {number})']},
                "tail_sampling": {"decision_wait": "100ms", "policies": [policy]}})

        program = self.start_program(numbered(0), [address])
        with Client(address) as client:
            for number in range(3):
                if number > 0:
                    program.write(numbered(number))
                    program.reload()
                    self.assertTrue(wait_until(lambda: program.process.log_text().count('"agent.reloaded"') == number, 10.0),
                                    program.process.log_tail())
                self.assertIs(client.export(otlp.numbered_request(5 * number, 5)).outcome, Outcome.ACCEPTED)
        self.assertEqual(len(sink.wait_for_spans(15)), 15)
        program.stop()


class UnixReload(FaultCase):
    @only_weft("it starts over")
    def test_a_changed_receiver_keeps_its_unix_socket(self):
        self.sinks = [self.start(Backend())]
        self.address = f"unix:{self.temporary_directory()}/weft.sock"
        config = configs.pipeline(self.address, {"otlp": configs.otlp_exporter(self.sinks[0].address)})
        program = self.start_program(config, [self.address])
        config["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] = 7
        program.write(config)
        program.reload()
        self.assertTrue(wait_until(lambda: '"agent.reloaded"' in program.process.log_text(), 10.0), program.process.log_tail())
        self.assertTrue(is_listening(self.address))
        with Client(self.address) as client:
            self.assertIs(client.export(otlp.numbered_request(0, 5)).outcome, Outcome.ACCEPTED)
        program.stop()
        self.assertFalse(pathlib.Path(self.address[5:]).exists())
