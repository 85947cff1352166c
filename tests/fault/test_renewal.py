"""SIGHUP renews what lies outside the config, whose text has not changed: output files, certificates, keys, authorities and
values from files, on the side of servers and of clients; and a bad one changes nothing."""

import copy
import pathlib
import shutil
import socket
import ssl
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from outside_case import OutsideCase, Probe, stalling
from harness import config as configs
from harness import otlp
from harness.case import only_weft
from harness.certificates import Certificates
from harness.client import Client, Outcome
from harness.http_backend import HttpBackend
from harness.process import free_port, wait_until

RELOADED, FAILED = '"agent.reloaded"', '"agent.reload_failed"'


class RenewalCase(OutsideCase):
    def setUp(self):
        self.directory = pathlib.Path(self.temporary_directory())
        self.address = f"127.0.0.1:{free_port()}"

    def send(self, first, count, address=None):
        with Client(address or self.address) as client:
            for number in range(first, first + count):
                self.assertEqual(client.export(otlp.numbered_request(number, 1)).outcome, Outcome.ACCEPTED)

    def authorities(self):
        """Two sets of certificates, and the folder that the config names, with the first set in it."""
        sets = []
        for name in ("first", "second", "named"):
            (self.directory / name).mkdir()
            sets += [Certificates(self.directory / name)] if name != "named" else []
        self.use(sets[0])
        return sets

    def use(self, certificates):
        for file in certificates.directory.iterdir():
            shutil.copy(file, self.named(file.name))

    def named(self, file):
        return str(self.directory / "named" / file)


@only_weft("it does not open its files again")
class OutputFiles(RenewalCase):
    def begin(self, **settings):
        self.data, self.rotated = self.directory / "data.json", self.directory / "data.json.1"
        exporter = {"path": str(self.data), "flush_interval": "10ms", **settings}
        self.program = self.start_program(configs.pipeline(self.address, {"file": exporter}), [self.address])

    def spans_in(self, path):
        return path.read_text().count('"spanId"') if path.exists() else -1

    def wait_for_spans(self, path, count):
        self.assertTrue(wait_until(lambda: self.spans_in(path) == count, 5.0), f"{path}: {self.spans_in(path)}")

    def test_records_go_to_the_new_file_after_a_rename(self):
        self.begin()
        self.send(0, 10)
        self.wait_for_spans(self.data, 10)
        self.data.rename(self.rotated)
        self.send(10, 10)
        self.wait_for_spans(self.rotated, 20)  # nobody has told weft
        self.reload(self.program)
        self.assertEqual(self.spans_in(self.data), 0)  # it is there as soon as the reload is over
        self.send(20, 10)
        self.wait_for_spans(self.data, 10)
        self.wait_for_spans(self.rotated, 20)
        for _ in range(2):  # nothing was renamed: nothing is emptied
            self.reload(self.program)
        self.send(30, 10)
        self.wait_for_spans(self.data, 20)
        self.assertEqual(self.program.ledger(is_audited=True).sent, 40)

    def test_reload_that_changes_the_exporter_empties_nothing(self):
        """Neither one that is used nor one that fails by something else, which is opened after the file."""
        self.begin()
        self.send(0, 10)
        self.wait_for_spans(self.data, 10)
        config = self.program.config
        config["exporters"]["file"]["flush_interval"] = "20ms"
        config["exporters"]["file/other"] = {"path": str(self.directory / "missing" / "other.json")}
        config["service"]["pipelines"]["traces"]["exporters"].append("file/other")
        self.program.write(config)
        self.reload(self.program, FAILED)
        self.assertEqual(self.spans_in(self.data), 10)
        config["service"]["pipelines"]["traces"]["exporters"].remove("file/other")
        self.program.write(config)
        self.reload(self.program)
        self.send(10, 10)
        self.wait_for_spans(self.data, 20)

    def test_failed_reload_leaves_files_alone_that_it_names_first(self):
        """What it names is opened before what fails: a file keeps what is in it, and one that was not there is not made. The
        reload that succeeds empties it."""
        self.begin()
        there, new = self.directory / "there.json", self.directory / "deep" / "er" / "new.json"
        there.write_text('{"spanId": "of somebody"}\n')
        config = self.program.config
        present = copy.deepcopy(config["receivers"])
        with socket.create_server(("127.0.0.1", 0)) as taken:
            config["exporters"]["file/there"] = {"path": str(there), "flush_interval": "10ms"}
            config["exporters"]["file/new"] = {"path": str(new), "flush_interval": "10ms", "create_directory": True}
            config["service"]["pipelines"]["traces"]["exporters"] += ["file/there", "file/new"]
            config["receivers"]["otlp"]["protocols"]["http"] = {"endpoint": "127.0.0.1:%d" % taken.getsockname()[1]}
            self.program.write(config)
            self.reload(self.program, FAILED)
            self.assertEqual(self.spans_in(there), 1)
            self.assertTrue(wait_until(lambda: not (self.directory / "deep").exists(), 5.0))
        config["receivers"] = present
        self.program.write(config)
        self.reload(self.program)
        self.wait_for_spans(there, 0)
        self.send(0, 10)
        for path in (there, new, self.data):
            self.wait_for_spans(path, 10)

    def test_file_that_cannot_be_opened_changes_nothing(self):
        self.begin()
        self.send(0, 10)
        self.wait_for_spans(self.data, 10)
        self.data.rename(self.rotated)
        self.data.mkdir()
        self.reload(self.program, FAILED)
        self.assertIn("is a directory", self.program.process.log_text())
        self.send(10, 10)
        self.wait_for_spans(self.rotated, 20)
        self.data.rmdir()
        self.reload(self.program)
        self.send(20, 10)
        self.wait_for_spans(self.data, 10)


@only_weft("it reads certificates by their interval only")
class ServerCertificates(RenewalCase):
    def test_every_server_shows_the_new_certificate(self):
        first, second = self.authorities()
        http, lines, tcp, health, pages, scrapes = (f"127.0.0.1:{free_port()}" for _ in range(6))
        tls = {"cert_file": self.named("server.pem"), "key_file": self.named("server.key")}
        config = configs.pipeline(self.address, {"nop": {}}, receiver={"protocols": {
            "grpc": {"endpoint": self.address, "tls": tls}, "http": {"endpoint": http, "tls": dict(tls)}}})
        config["receivers"]["jsonlog"] = {"protocols": {"http": {"endpoint": lines, "tls": dict(tls)},
                                                        "tcp": {"endpoint": tcp, "tls": dict(tls)}}}
        config["service"]["pipelines"]["logs"] = {"receivers": ["jsonlog"], "exporters": ["nop"]}
        config["exporters"]["prometheus"] = {"endpoint": scrapes, "tls": dict(tls)}
        config["service"]["pipelines"]["metrics"] = {"receivers": ["otlp"], "exporters": ["prometheus"]}
        config["extensions"] = {"health_check": {"endpoint": health, "tls": dict(tls)},
                                "zpages": {"endpoint": pages, "tls": dict(tls)}}
        config["service"]["extensions"] = ["health_check", "zpages"]
        program = self.start_program(config, [self.address, http, lines, tcp, health, pages, scrapes])
        ports = ((self.address, "h2"), (http, "http/1.1"), (lines, "http/1.1"), (tcp, None), (health, "http/1.1"),
                 (pages, "http/1.1"), (scrapes, "http/1.1"))

        def check_all_show(certificates, when):
            for address, protocol in ports:
                self.assertEqual(certificate_of(address, protocol), certificates.der("server"), f"{address} {when}")

        check_all_show(first, "at the start")
        self.use(second)
        check_all_show(first, "before the signal")
        self.reload(program)
        check_all_show(second, "after the signal")
        pathlib.Path(self.named("server.pem")).write_text("broken")
        self.reload(program, FAILED)
        check_all_show(second, "after a bad one")

    def test_bad_certificate_keeps_the_good_ones_of_others_from_use(self):
        """All or nothing: what is wrong with one component changes nothing of another."""
        first, second = self.authorities()
        other = f"127.0.0.1:{free_port()}"
        shutil.copy(self.named("server.pem"), self.named("other.pem"))
        config = configs.pipeline(self.address, {"nop": {}}, receiver=configs.otlp_receiver(
            self.address, tls={"cert_file": self.named("server.pem"), "key_file": self.named("server.key")}))
        config["receivers"]["otlp/other"] = configs.otlp_receiver(
            other, tls={"cert_file": self.named("other.pem"), "key_file": self.named("server.key")})
        config["service"]["pipelines"]["traces"]["receivers"].append("otlp/other")
        program = self.start_program(config, [self.address, other])
        self.use(second)  # other.pem does not fit the new key
        self.reload(program, FAILED)
        for address in (self.address, other):
            self.assertEqual(certificate_of(address, "h2"), first.der("server"))


def certificate_of(address, protocol):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if protocol:
        context.set_alpn_protocols([protocol])
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as secured:
            return secured.getpeercert(binary_form=True)


class Greeter:
    """A TLS server that asks for the client's certificate, notes it, and hangs up."""

    def __init__(self, certificates, protocol):
        self.certificates = certificates
        self.protocol = protocol
        self.seen = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._greet, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _greet(self):
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificates.certificate("server"), self.certificates.key("server"))
            context.load_verify_locations(self.certificates.authority)
            context.verify_mode = ssl.CERT_REQUIRED
            context.set_alpn_protocols([self.protocol])
            plain.settimeout(5)
            try:
                with context.wrap_socket(plain, server_side=True) as secured:
                    self.seen.append(secured.getpeercert(binary_form=True))
            except OSError:
                plain.close()


@only_weft("it reads certificates by their interval only")
class ClientCertificates(RenewalCase):
    def test_every_exporter_shows_the_new_certificate_and_trusts_the_new_authority(self):
        """What waits in their queues meanwhile stays there."""
        first, second = self.authorities()
        tls = {"ca_file": self.named("ca.pem"), "cert_file": self.named("client.pem"), "key_file": self.named("client.key")}
        grpc, http = self.start(Greeter(first, "h2")), self.start(Greeter(first, "http/1.1"))
        retry = {"initial_interval": "50ms", "max_interval": "100ms"}
        program = self.start_program(configs.pipeline(self.address, {
            "otlp": {"endpoint": f"localhost:{grpc.port}", "tls": tls, "retry_on_failure": retry},
            "otlp_http": {"endpoint": f"https://localhost:{http.port}", "tls": dict(tls), "retry_on_failure": dict(retry)}}),
            [self.address], extra=["--shutdown-timeout", "300ms"])
        self.send(0, 5)
        greeters = (grpc, http)
        self.assertTrue(wait_until(lambda: all(greeter.seen for greeter in greeters), 10.0))
        self.use(second)
        for greeter in greeters:
            self.assertEqual(set(greeter.seen), {first.der("client")})
            greeter.certificates = second
        self.reload(program)
        self.assertEqual(program.ledger(is_audited=True).waiting, 10)
        for greeter in greeters:
            self.assertTrue(wait_until(lambda: second.der("client") in greeter.seen, 10.0))


@only_weft("it is about weft's threads")
class StandingCertificates(RenewalCase):
    def test_disk_that_stands_holds_no_connection(self):
        """Certificates that are read again every moment, an authority that each connection looks for, on the side of
        servers and of clients; then the disk goes on, and what was changed meanwhile is used."""
        first, second = self.authorities()
        sign, plain = self.directory / "stands", f"127.0.0.1:{free_port()}"
        server = {"cert_file": self.named("server.pem"), "key_file": self.named("server.key"), "reload_interval": "10ms"}
        client = {"ca_file": self.named("ca.pem"), "reload_interval": "10ms", "cert_file": self.named("client.pem"),
                  "key_file": self.named("client.key")}
        greeter = self.start(Greeter(first, "h2"))
        retry = {"initial_interval": "50ms", "max_interval": "100ms"}
        config = configs.pipeline(self.address, {"otlp": {
            "endpoint": f"localhost:{greeter.port}", "tls": client, "retry_on_failure": retry}},
            receiver=configs.otlp_receiver(self.address, tls=server))
        config["receivers"]["otlp/plain"] = configs.otlp_receiver(plain)
        config["service"]["pipelines"]["traces"]["receivers"].append("otlp/plain")
        program = self.start_program(config, [self.address, plain], extra=["--shutdown-timeout", "300ms"],
                                     environment=stalling(WEFT_STALL_PATH="/named/", WEFT_STALL_WHILE=str(sign)))
        self.send(0, 1, plain)
        sign.touch()
        self.use(second)
        with Probe(program.admin) as probe:
            for _ in range(20):
                self.assertEqual(certificate_of(self.address, "h2"), first.der("server"))
            self.send(1, 20, plain)
            seen = len(greeter.seen)
            self.assertTrue(wait_until(lambda: len(greeter.seen) > seen + 3, 30.0))
            greeter.certificates = second
            sign.unlink()
            self.assertTrue(wait_until(lambda: certificate_of(self.address, "h2") == second.der("server"), 30.0))
            self.assertTrue(wait_until(lambda: second.der("client") in greeter.seen, 30.0))
        self.assert_never_stood(probe, "a certificate that cannot be read")

    def test_disk_that_comes_back_at_the_very_end_is_no_crash(self):
        """A reload stands at a key when weft ends, and goes on with it while the process is on its way out."""
        self.authorities()
        sign = self.directory / "stands"
        server = {"cert_file": self.named("server.pem"), "key_file": self.named("server.key")}
        config = configs.pipeline(self.address, {"debug": None}, receiver=configs.otlp_receiver(self.address, tls=server))
        environment = stalling(WEFT_STALL_PATH="/server.key", WEFT_STALL_WHILE=str(sign), WEFT_STALL_UNTIL_EXIT="0.5")
        environment["ASAN_OPTIONS"] += ":detect_leaks=0"  # what such a reload holds is left to the system
        program = self.start_program(config, [self.address], environment=environment)
        sign.touch()
        program.reload()
        self.assert_logged('"agent.reload_stands"', program)
        program.stop()
        self.assertFalse(sign.exists(), "the disk did not come back")


class Values(RenewalCase):
    def test_value_from_a_file_is_read_again(self):
        token = self.directory / "token"
        token.write_text("old")
        backend = self.start(HttpBackend())
        config = configs.pipeline(self.address, {"otlp_http": {
            "endpoint": backend.url, "compression": "none", "headers": {"x-token": f"${{file:{token}}}"}}})
        program = self.start_program(config, [self.address])
        for first, value in ((0, "old"), (1, "new")):
            token.write_text(value)
            if first > 0:
                self.reload(program)
            self.send(first, 1)
            self.assertTrue(backend.wait_for_requests(first + 1))
            self.assertEqual(backend.requests[-1].headers["x-token"], value)
