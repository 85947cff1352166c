"""Stages under load: records that are held, shared by a traces and a logs pipeline and among the workers, over reloads, signals and a
backend that stalls. No record that was accepted goes without a reason that the books name."""

import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from fault_case import for_each_worker_count, seconds
from harness import prometheus
from harness.backend import Answer, Backend
from harness.case import only_weft
from harness.client import Outcome
from harness.process import wait_until
from stage_case import SIGNALS, StageCase


def take_out(config):
    for pipeline in config["service"]["pipelines"].values():
        pipeline["processors"].remove("hold")


@only_weft("it has no toys")
@for_each_worker_count
class Stages(StageCase):
    def fault_every_second_span_leaves_and_the_rest_is_held(self):
        """Requests of an odd number of spans: the count goes on from one to the next, on each worker."""
        self.begin(records_per_request=7)
        self.wait_for_load(seconds(500, 60))
        books = self.finish()["traces"]
        self.assertIn(books.accepted - 2 * books.dropped["filtered"], range(self.workers + 1))


@only_weft("it has no toys")
@for_each_worker_count
class StageReloads(StageCase):
    def reload_each(self, changes):
        for change in changes:
            self.wait_for_load(seconds(100, 30))
            self.reload_to(self.changed(change))
        self.wait_for_load(seconds(100, 30))

    def no_call_was_lost(self):
        self.assertEqual([load.count(Outcome.LOST) for load in self.loads.values()], [0, 0], [load.refusals for load in self.loads.values()])

    def fault_the_wait_changes(self):
        self.begin()
        self.reload_each([lambda config, wait=wait: config["processors"]["hold"].update(wait=wait) for wait in ("1s", "50ms", "300ms")])
        self.finish()
        self.no_call_was_lost()

    def fault_the_filter_turns_round(self):
        self.begin()
        self.reload_each([lambda config, first=first: config["processors"]["half"].update(keeps_first=first) for first in (False, True)])
        self.finish()
        self.no_call_was_lost()

    def fault_the_exporter_changes(self):
        self.begin(answer=lambda number, body: Answer(delay=0.05))
        self.reload_each([lambda config, limit=limit: config["exporters"]["otlp"].update(timeout=limit) for limit in ("6s", "7s")])
        self.finish()
        self.no_call_was_lost()

    def fault_the_logs_pipeline_goes_and_comes_back(self):
        """Meanwhile log records are refused; those that hold has taken go on."""
        self.begin()
        first = self.program.config
        for _ in range(2):
            self.wait_for_load(30)
            self.reload_to(self.changed(lambda config: config["service"]["pipelines"].pop("logs")))
            refused = self.loads["logs"].count(Outcome.REFUSED)
            self.assertTrue(wait_until(lambda: self.loads["logs"].count(Outcome.REFUSED) > refused, 10.0), "log records still pass")
            self.reload_to(first)
        self.wait_for_load(30)
        self.finish(refused={"logs"})
        self.no_call_was_lost()

    def fault_the_stage_goes_and_comes_back(self):
        self.begin()
        first = self.program.config
        for _ in range(2):
            self.wait_for_load(30)
            self.reload_to(self.changed(take_out))
            self.wait_for_load(30)
            self.reload_to(first)
        self.wait_for_load(30)
        self.finish()
        self.no_call_was_lost()

    def fault_many_reloads_in_a_row(self):
        self.begin()
        self.wait_for_load(20)
        for number in range(20):
            def change(config, number=number):
                config["processors"]["hold"]["wait"] = f"{100 + number}ms"
                config["processors"]["half"]["keeps_first"] = number % 3 == 0
                config["exporters"]["otlp"]["timeout"] = f"{5 + number // 4}s"
            self.program.write(self.changed(change))
            self.program.reload()
            time.sleep(0.02)
        self.wait_for_load(seconds(100, 30))
        self.finish()
        self.no_call_was_lost()

    def fault_what_is_held_stays_and_goes_by_the_new_rules(self):
        """To another backend, once the wait is over that the last reload has shortened."""
        self.begin(hold={"wait": "1h", "max_records": 1_000_000})
        self.wait_for_load(30)
        held = self.stop_loads_with_all_held()
        self.sinks.append(self.start(Backend()))
        self.reload_to(self.changed(lambda config: config["exporters"]["otlp"].update(endpoint=self.sinks[1].address)))
        self.assertEqual({signal: books.buffered for signal, books in self.books().items()}, held)
        self.reload_to(self.changed(lambda config: config["processors"]["hold"].update(wait="10ms")))
        self.finish()
        self.assertEqual(self.sinks[0].requests, [])
        self.assertEqual(len(set(self.confirmed("traces"))), held["traces"])


@only_weft("it has no toys")
@for_each_worker_count
class StageSignals(StageCase):
    def fault_sigterm_lets_go_of_what_is_held(self):
        self.begin(hold={"wait": "1h", "max_records": 1_000_000}, may_be_down=True)
        self.wait_for_load(30)
        held = self.stop_loads_with_all_held()
        self.program.stop(30)
        self.assertEqual({signal: len(self.confirmed(signal)) for signal in held}, held)
        self.program.start()
        self.finish()

    def fault_sigterm_under_load(self):
        self.begin(answer=lambda number, body: Answer(delay=0.05), may_be_down=True)
        for _ in range(2):
            self.wait_for_load(seconds(100, 30))
            self.program.process.signal(signal.SIGTERM)
            self.assertEqual(self.program.process.wait(30), 0)
            self.program.start()
        self.wait_for_load(30)
        self.finish(refused={"traces", "logs"})

    def fault_sigkill_with_records_held(self):
        """What was held is dropped(crash), to the record."""
        self.begin(hold={"wait": "1h", "max_records": 1_000_000}, may_be_down=True)
        self.wait_for_load(30)
        held = self.stop_loads_with_all_held()
        before = self.books()
        self.program.kill()
        self.program.start()
        books = self.finish(losses={"crash"})
        for name, count in held.items():
            self.assertEqual(books[name].dropped["crash"], count)
            self.assertEqual((books[name].accepted, books[name].dropped.get("filtered")),
                             (before[name].accepted, before[name].dropped.get("filtered")))
        self.assertEqual(self.sinks[0].requests, [])

    def fault_sigkill_under_load(self):
        self.begin(answer=lambda number, body: Answer(delay=0.1 if number % 7 == 0 else 0.0), may_be_down=True)
        for _ in range(seconds(10, 3)):
            self.wait_for_load(20)
            self.program.kill()
            self.program.start()
        self.wait_for_load(20)
        self.finish(losses={"crash", "unconfirmed"}, refused={"traces", "logs"})


@only_weft("it has no toys")
@for_each_worker_count
class StagePressure(StageCase):
    FULL = 300  # records of one worker
    batch = {"timeout": "100ms", "send_batch_size": 50, "send_batch_max_size": 50}

    refuse_after = "5s"

    def config_of(self, hold, exporter):
        config = super().config_of(hold, exporter)
        config["receivers"]["otlp"]["refuse_after"] = self.refuse_after
        return config

    def begin_stalled(self, **settings):
        """hold is full before its wait is over. Then the queue behind it is full, too, hold is stuck, and in the end clients, which
        waited until then, are refused."""
        self.refuse_after = seconds("5s", "1s")  # how long they wait is not what is looked at
        self.answers = threading.Event()
        self.addCleanup(self.answers.set)
        self.begin(answer=lambda number, body: Answer(until=self.answers), hold={"wait": "1s", "max_records": self.FULL}, timeout="90s",
                   sending_queue={"queue_size": 4, "num_consumers": 2, "block_on_overflow": True}, **settings)
        self.wait_until_full()
        self.assertTrue(wait_until(lambda: len(self.sinks[0].requests) > 1, 20.0), "nothing is on its way to the backend")
        for load in self.loads.values():
            self.assertTrue(wait_until(lambda load=load: load.count(Outcome.REFUSED) > 0, 30.0), self.books())
        self.assertEqual(self.sum_of("sent"), 0)

    def wait_until_full(self):
        self.assertTrue(wait_until(lambda: prometheus.total(self.program.metrics(), "weft_processor_hold_records") >= self.FULL, 20.0),
                        self.books())

    def fault_a_full_stage_lets_clients_wait(self):
        self.begin(hold={"wait": "500ms", "max_records": self.FULL})
        for _ in range(seconds(5, 2)):
            self.wait_until_full()
            self.wait_for_load(20)
        self.finish(refused={"traces", "logs"})

    def fault_a_backend_that_stalls_closes_the_stage(self):
        """When it answers again, all that was accepted arrives."""
        self.begin_stalled()
        self.answers.set()
        self.wait_for_load(30)
        self.finish(refused={"traces", "logs"})

    def fault_a_reload_while_the_stage_is_full(self):
        """What hold has goes on to the backend that the reload brings; what lay behind it ends at the former one."""
        self.begin_stalled()
        self.sinks.append(self.start(Backend()))
        self.program.write(self.changed(lambda config: config["exporters"]["otlp"].update(endpoint=self.sinks[1].address)))
        self.program.reload()
        self.assertTrue(wait_until(lambda: self.sinks[1].requests, 15.0), "nothing came to the new backend")
        self.wait_for_load(30)
        self.answers.set()
        self.finish(refused={"traces", "logs"})

    def fault_the_stage_goes_while_it_is_stuck(self):
        """The exporter stays, and takes nothing: at the deadline what hold has is dropped(reload); the rest goes on."""
        self.begin_stalled(extra=["--reload-timeout", "1s"])
        self.reload_to(self.changed(take_out))
        self.answers.set()
        self.wait_for_load(30)
        books = self.finish(losses={"reload"}, refused={"traces", "logs"})
        for name in SIGNALS:
            self.assertGreater(books[name].dropped["reload"], 0)
            self.assertEqual(books[name].sent, len(self.confirmed(name)))

    def fault_sigterm_while_the_stage_is_stuck(self):
        """What hold has is dropped(shutdown); what the backend has and has not answered may be unconfirmed."""
        self.begin_stalled(extra=["--shutdown-timeout", "2s"], may_be_down=True)
        self.program.process.signal(signal.SIGTERM)
        self.assertEqual(self.program.process.wait(30), 0)
        self.answers.set()
        self.program.start()
        self.wait_for_load(30)
        books = self.finish(losses={"shutdown", "unconfirmed"}, refused={"traces", "logs"})
        self.assertTrue(all(books[name].dropped["shutdown"] for name in SIGNALS), books)
