"""What weft tells of itself: where it listens, what a crash has cost, and what ails an exporter."""

import contextlib
import http.client
import json

from harness import config as configs
from harness import otlp
from harness.case import OutsideInCase, only_weft
from harness.http_backend import PROTOBUF, HttpAnswer, HttpBackend
from harness.process import ProgramFailed, free_port, wait_until


@only_weft("its log and its pages are its own")
class ToldTest(OutsideInCase):
    def receiving(self, exporters, extensions=None):
        self.address = f"127.0.0.1:{free_port()}"
        config = configs.pipeline(self.address, exporters, receiver=configs.otlp_http_receiver(self.address))
        if extensions is not None:
            config["extensions"] = extensions
            config["service"]["extensions"] = list(extensions)
        return config

    def send(self, count):
        with contextlib.closing(http.client.HTTPConnection(self.address, timeout=20)) as connection:
            connection.request("POST", "/v1/traces", otlp.numbered_request(0, count), {"Content-Type": PROTOBUF})
            return connection.getresponse().status

    def ready(self, program):
        with contextlib.closing(http.client.HTTPConnection(program.admin, timeout=20)) as connection:
            connection.request("GET", "/ready")
            answer = connection.getresponse()
            return answer.status, json.load(answer)

    def logged(self, program, event):
        lines = [json.loads(line) for line in program.process.log_text().splitlines() if f'"{event}"' in line]
        return [line["data"] for line in lines]

    def test_where_it_listens(self):
        shown, pages, health = (f"127.0.0.1:{free_port()}" for _ in range(3))
        config = self.receiving({"nop": None}, {"zpages": {"endpoint": pages}, "health_check": {"endpoint": health}})
        config["exporters"]["prometheus"] = {"endpoint": shown}
        config["service"]["pipelines"]["metrics"] = {"receivers": ["otlp"], "exporters": ["prometheus"]}
        program = self.start_program(config, [self.address, shown, pages, health])
        self.assert_logged('"agent.started"', program)
        found = {row.get("extension", row.get("exporter")): row["endpoint"]
                 for event in ("extension.listening", "exporter.listening") for row in self.logged(program, event)}
        self.assertEqual(found, {"zpages": pages, "health_check": health, "prometheus": shown})
        self.assertEqual([f"{row['host']}:{row['port']}" for row in self.logged(program, "telemetry.listening")], [program.admin])
        status, said = self.ready(program)
        self.assertEqual((status, said["status"]), (200, "ok"))
        self.assertEqual({name.split()[-1]: text for name, text in said["checks"].items()},
                         {"nop": "ok", "prometheus": "ok", "ledger": "ok"})

    def test_a_port_that_is_taken_is_named_with_its_line(self):
        config = self.receiving({"nop": None}, {"zpages": {"endpoint": f"127.0.0.1:{free_port()}"}})
        config["extensions"]["zpages"]["endpoint"] = self.start(HttpBackend()).address
        with self.assertRaises(ProgramFailed) as caught:
            self.start_program(config, [self.address])
        self.assertRegex(str(caught.exception), r"\.yaml:\d+: extensions\.zpages")

    def test_what_a_crash_has_cost(self):
        program = self.start_program(self.receiving({"otlp_http": {"endpoint": f"http://127.0.0.1:{free_port()}"}}), [])
        self.assertTrue(wait_until(lambda: program.process.is_running(), 5.0))
        self.assertEqual(self.logged(program, "ledger.crash_losses"), [])
        self.assertEqual(self.send(10), 200)
        program.kill()
        program.start()
        self.assert_logged('"ledger.crash_losses"', program)
        self.assertEqual(self.logged(program, "ledger.crash_losses"), [{"traces": 10, "metrics": 0, "logs": 0, "profiles": 0}])
        program.stop(30)
        program.start()
        self.assert_logged('"agent.started"', program)
        self.assertEqual(len(self.logged(program, "ledger.crash_losses")), 1)

    def test_a_backend_that_refuses_is_told_of(self):
        answers = [HttpAnswer(401, b"who are you", "text/plain")]
        backend = self.start(HttpBackend(answer=lambda *_: answers[0]))
        program = self.start_program(self.receiving({"otlp_http": {"endpoint": backend.url}}), [self.address])
        for answer, is_ok in ((answers[0], False), (HttpAnswer(), True)):
            answers[0] = answer
            self.assertEqual(self.send(10), 200)
            self.assertTrue(wait_until(lambda: ("401" in str(self.ready(program)[1]["checks"])) != is_ok, 10.0))
            self.assertEqual(self.ready(program)[0], 200)

