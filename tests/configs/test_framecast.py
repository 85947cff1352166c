"""config/framecast: the files validate without a warning, agree with each other, and do together what they are for."""

import http.client
import json
import pathlib
import re
import secrets
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import framecast
from harness import asking, otlp, stubs, wire
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.client import Outcome
from harness.process import wait_until

FAILED_STATUS = wire.bytes_field(15, wire.number_field(3, 2))
VALID = (0, ["the config is valid"])


@only_weft("it has not all of the components")
class FilesTest(unittest.TestCase):
    def test_each_is_valid_and_nothing_is_to_be_said(self):
        self.assertEqual({path.stem for path in framecast.FOLDER.glob("*.yaml")} - {"kustomization"}, set(framecast.NAMES))
        for name in framecast.NAMES:
            with self.subTest(name):
                self.assertEqual(framecast.validate(framecast.FOLDER / f"{name}.yaml"), VALID)

    def test_each_names_the_environment_that_it_reads(self):
        for name in framecast.NAMES:
            text = (framecast.FOLDER / f"{name}.yaml").read_text()
            told = set(re.findall(r"^#   ([A-Z0-9_]+) ", text, re.M))
            self.assertEqual(told, set(re.findall(r"\$\{env:([A-Z0-9_]+)", text)), name)

    def test_one_machine_does_what_agent_and_gateway_do(self):
        agent, gateway, both = map(framecast.load, framecast.NAMES)
        for part, name in ((agent, "redaction"), (gateway, "tail_sampling"), (gateway, "batch"), (agent, "batch")):
            self.assertEqual(part["processors"][name], both["processors"][name], name)
        self.assertEqual(set(agent["receivers"]), set(both["receivers"]))
        for section in ("include", "exclude", "operators"):
            self.assertEqual(agent["receivers"]["file_log"][section], both["receivers"]["file_log"][section])

    def test_what_agents_mask_is_nothing_that_the_gateway_decides_by(self):
        agent, gateway = framecast.load("agent"), framecast.load("gateway")
        gateway["processors"]["redaction"] = agent["processors"]["redaction"]
        for pipeline in gateway["service"]["pipelines"].values():
            pipeline["processors"].insert(1, "redaction")
        self.assertEqual(framecast.validate(gateway), VALID)
        gateway["processors"]["redaction"]["blocked_values"].append("job_[0-9]+")
        code, lines = framecast.validate(gateway)
        self.assertEqual((code, lines[-1]), (0, "the config is valid"))
        self.assertIn("redaction masks what is like job_789 in job_id", lines[0])

    def test_an_agent_that_samples_is_warned_of(self):
        agent = framecast.load("agent")
        agent["processors"]["tail_sampling"] = framecast.load("gateway")["processors"]["tail_sampling"]
        for pipeline in agent["service"]["pipelines"].values():
            pipeline["processors"].insert(2, "tail_sampling")
        code, lines = framecast.validate(agent)
        self.assertEqual((code, lines[1:]), (0, ["the config is valid"]))
        self.assertRegex(lines[0], "^warning: yaml:1: pipeline traces: tail_sampling judges what this node sees")


@only_weft("it has not all of the components")
class PlatformTest(OutsideInCase):
    """A job that fails and one that does not: spans of two traces each, a line of the API without a trace id, a line out of a
    pod's file, and lines by POST and by socket. They share nothing but the job's id."""

    def begin(self):
        self.pods = pathlib.Path(self.temporary_directory())
        self.certificates = Certificates(self.temporary_directory())
        self.sink = self.backend(credentials=self.certificates.grpc_server(is_client_required=False))
        self.secret = "sk-" + secrets.token_hex(16)
        stubs.module("trace_service_pb2")

    def start_weft(self, placed, **environment):
        if "otlp/backend" in placed.config["exporters"]:
            environment["FRAMECAST_BACKEND"] = self.sink.address.replace("127.0.0.1", "localhost")
            placed.config["exporters"]["otlp/backend"]["tls"] = {"ca_file": str(self.certificates.authority)}
            placed.decide_when_told()
        self.start(framecast.environment(**environment))
        return self.start_program(placed.config, placed.listening)

    def span(self, name, job, values=None, extra=b""):
        return otlp.span(secrets.token_bytes(16), secrets.token_bytes(8), name, extra=extra,
                         values={"job_id": job, **(values or {})})

    def line(self, text, job):
        return json.dumps({"level": "info", "message": text, "job_id": job})

    def play(self, agent, job, is_failed):
        status = FAILED_STATUS if is_failed else b""
        spans = [self.span("render", job, {"prompt_key": self.secret}, status),
                 self.span("POST /jobs", job, {"http.request.header.authorization": ["Basic abcdef"]})]
        reply = self.client(agent.grpc).export(otlp.request(spans))
        self.assertEqual(reply.outcome, Outcome.ACCEPTED)
        connection = http.client.HTTPConnection(agent.lines, timeout=10)
        connection.request("POST", "/", self.line(f"queued with Bearer {self.secret}", job))
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()
        framecast.write_pod_lines(self.pods, "api-0", [agent.pod_line(self.line(f"key {self.secret} used", job))])
        framecast.write_pod_lines(self.pods, "weft-agent-x", [agent.pod_line(self.line("a line of weft's own", job))])

    def assert_answers_probes(self, placed):
        connection = http.client.HTTPConnection(placed.health, timeout=10)
        connection.request("GET", "/")
        self.assertEqual(connection.getresponse().status, 200)
        connection.close()

    def assert_failed_job_comes_whole(self, placed, judge):
        """placed: of the weft that judges."""
        wanted = {"render", "POST /jobs", "queued with ****", "key **** used"}
        has_all = wait_until(lambda: all(judge.ledger(signal=signal).accepted == len(wanted) for signal in ("traces", "logs")), 60)
        self.assertTrue(has_all, "not everything came to where it is judged")
        self.assertTrue(placed.decide_now(judge))
        records = framecast.attributes_at(self.sink)
        self.assertEqual(sorted(name for name, _ in records), sorted(wanted))
        for name, attributes in records:
            self.assertEqual(attributes["job_id"], "job_789", name)
        bytes_sent = b"".join(request.body for request in self.sink.requests)
        self.assertNotIn(self.secret.encode(), bytes_sent)
        self.assertNotIn(b"Basic abcdef", bytes_sent)
        self.assertEqual({request.metadata["authorization"] for request in self.sink.requests},
                         {"Bearer " + framecast.ENVIRONMENT["FRAMECAST_BACKEND_TOKEN"]})
        for word, verdict in (("job_789", "kept"), ("job_790", "dropped")):
            code, out, error = asking.command(judge.program, "trace", word, "--json", "--state-dir", judge.state_directory)
            self.assertEqual((code, json.loads(out)["group"]["verdict"]), (0, verdict), error)
        for signal in ("traces", "logs"):
            self.assertEqual(judge.ledger(is_audited=True, signal=signal).disagreements(), [])

    def test_agent_and_gateway_keep_the_failed_job_whole_and_masked(self):
        self.begin()
        gateway = framecast.Placed("gateway")
        judge = self.start_weft(gateway, FRAMECAST_GATEWAY_CERT=self.certificates.certificate("server"),
                                FRAMECAST_GATEWAY_KEY=self.certificates.key("server"))
        agent = framecast.Placed("agent", self.pods)
        self.start_weft(agent, FRAMECAST_GATEWAY=gateway.grpc.replace("127.0.0.1", "localhost"),
                        FRAMECAST_GATEWAY_CA=self.certificates.authority, K8S_NODE_NAME="node-7")
        for job, is_failed in (("job_789", True), ("job_790", False)):
            self.play(agent, job, is_failed)
        self.assert_failed_job_comes_whole(gateway, judge)
        self.assertEqual(dict(framecast.attributes_at(self.sink))["key **** used"]["k8s.node.name"], "node-7")
        self.assertEqual(dict(framecast.attributes_at(self.sink))["key **** used"]["k8s.namespace.name"], "default")
        for placed in (agent, gateway):
            self.assert_answers_probes(placed)

    def test_one_weft_does_the_same_on_one_machine(self):
        self.begin()
        placed = framecast.Placed("all-in-one", self.pods)
        judge = self.start_weft(placed)
        for job, is_failed in (("job_789", True), ("job_790", False)):
            self.play(placed, job, is_failed)
        self.assert_failed_job_comes_whole(placed, judge)
        self.assert_answers_probes(placed)
