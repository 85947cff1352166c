"""A real Collector and weft with the same authenticators: who is let in, what others are told, and what a backend sees of
requests that have been given credentials and headers."""

import base64
import contextlib
import http.client
import json
import pathlib
import sys

import grpc

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import config as configs
from harness import otlp
from harness.case import OutsideInCase
from harness.certificates import Certificates
from harness.http_backend import JSON, PROTOBUF, HttpAnswer, HttpBackend
from harness.process import ProgramFailed, free_port, wait_until
from test_collector import collector_binary

HTPASSWD = "\n".join((
    "bcrypt:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "y:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "apache:$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", "md5:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", "sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "ssha:{SSHA}8bX4JQDfZqtTfvnQ4ssDmWb17/FTQUxU", "sha256:$5$abcd$BgCbKzckrgGdFcL/gWllSOkKJCXQV5rwJeTh9xnsJ1D", "plain:secret",
    "nginx:{PLAIN}secret", "twice:first", "twice:secret", "no colon", "broken:{SHA}xyz", "empty:", "  blanks :secret"))


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


USERS = [line.partition(":")[0] for line in HTPASSWD.splitlines()] + ["blanks ", "nobody", ""]
BASIC = ([None, "", "Basic", "Basic ", "Basic !", "basic " + basic("plain", "secret")[6:], "Basic  " + basic("plain", "secret")[6:],
          "Basic " + base64.b64encode(b"plain").decode(), basic("plain", "secret").rstrip("="), "Bearer secret"]
         + [basic(user, password) for user in USERS for password in ("secret", "Secret", "", "secret\0")])
BEARER = [None, "", "Bearer", "Bearer s3cret", "bearer s3cret", "Bearer  s3cret", "s3cret", "Bearer other", "Bearer s3cret2", "Token s3cret"]


class CollectorAuthTest(OutsideInCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def programs(self):
        return {"weft": None, "collector": self.collector}

    def run_with(self, program, config, listening):
        return self.start_program(config, listening, program=program, stand_in=bool(program))

    def assert_same_verdicts(self, verdicts):
        """verdicts: of a program, a list of whatever it said."""
        pairs = zip(verdicts["weft"], verdicts["collector"], strict=True)
        self.assertEqual([pair for pair in pairs if pair[0] != pair[1]], [])

    # ---- servers ----

    def server_verdicts(self, extension, settings, header, values):
        verdicts = {}
        for name, program in self.programs().items():
            over_grpc, over_http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
            auth = {"authenticator": extension}
            config = configs.pipeline(over_grpc, {"nop": None}, receiver={"protocols": {
                "grpc": {"endpoint": over_grpc, "auth": auth}, "http": {"endpoint": over_http, "auth": auth}}})
            config["extensions"], config["service"]["extensions"] = {extension: settings}, [extension]
            self.run_with(program, config, [over_grpc, over_http])
            verdicts[name] = [(value, self.call(over_grpc, header, value), self.post(over_http, header, value),
                               self.post(over_http, header, value, JSON), self.post(over_http, header, value, path="/other"))
                              for value in values]
        return verdicts

    def call(self, address, header, value):
        metadata = [] if value is None else [(header.lower(), value)]
        with contextlib.closing(grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])) as channel:
            try:
                channel.unary_unary(otlp.TRACES_METHOD)(otlp.numbered_request(0, 10), timeout=20, metadata=metadata)
            except grpc.RpcError as error:
                return error.code(), error.details()
        return grpc.StatusCode.OK, ""

    def post(self, address, header, value, content_type=PROTOBUF, path="/v1/traces"):
        body = b'{"resourceSpans": []}' if content_type == JSON else otlp.numbered_request(0, 1)
        headers = {"Content-Type": content_type, **({} if value is None else {header: value})}
        with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            if answer.status != 401:
                return answer.status
            said = answer.read()
            return answer.status, answer.headers["Content-Type"], json.loads(said) if content_type == JSON else said

    def test_basicauth_lets_the_same_in(self):
        verdicts = self.server_verdicts("basicauth", {"htpasswd": {"inline": HTPASSWD}}, "Authorization", BASIC)
        self.assert_same_verdicts(verdicts)
        self.assertGreater(sum(verdict[2] == 200 for verdict in verdicts["weft"]), 10)

    def test_bearertokenauth_lets_the_same_in(self):
        for settings, header in (({"token": "s3cret"}, "Authorization"), ({"tokens": ["s3cret", "s3cret2"]}, "Authorization"),
                                 ({"token": "s3cret", "scheme": ""}, "Authorization"), ({"token": "s3cret", "scheme": "Token"}, "Authorization"),
                                 ({"token": "s3cret", "header": "X-Api-Key"}, "X-Api-Key")):
            with self.subTest(**settings):
                self.assert_same_verdicts(self.server_verdicts("bearertokenauth", settings, header, BEARER))

    # ---- clients ----

    def sent_headers(self, extensions, exporter, names, metadata=(), receiver=None):
        """What the backend saw of these header fields, by program."""
        found = {}
        for name, program in self.programs().items():
            kind, settings, backend, tls = exporter()
            address = f"127.0.0.1:{free_port()}"
            settings = {**settings, "compression": "none", "auth": {"authenticator": list(extensions)[-1]}, **tls}
            config = configs.pipeline(address, {kind: settings}, receiver=configs.otlp_receiver(address, **(receiver or {})))
            config["extensions"], config["service"]["extensions"] = extensions, list(extensions)
            self.run_with(program, config, [address])
            with contextlib.closing(grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])) as channel:
                channel.unary_unary(otlp.TRACES_METHOD)(otlp.numbered_request(0, 10), timeout=20, metadata=metadata)
            self.assertTrue(wait_until(lambda: backend.requests, 10.0), name)
            received = backend.requests[0]
            fields = received.headers if kind == "otlp_http" else received.metadata
            found[name] = {field: fields.get(field) for field in names}
        return found

    def over_http(self, headers=None):
        def make():
            backend = self.start(HttpBackend())
            return "otlp_http", {"endpoint": backend.url, "headers": headers or {}}, backend, {}
        return make

    def over_grpc(self, is_plain=False):
        certificates = Certificates(self.temporary_directory())

        def make():
            credentials = None if is_plain else certificates.grpc_server(is_client_required=False)
            backend = self.backend(address=f"localhost:{free_port()}", credentials=credentials)
            tls = {"insecure": True} if is_plain else {"ca_file": str(certificates.authority)}
            return "otlp", {"endpoint": backend.address}, backend, {"tls": tls}
        return make

    def assert_same_headers(self, *arguments, **settings):
        found = self.sent_headers(*arguments, **settings)
        self.assertEqual(found["weft"], found["collector"])
        return found["weft"]

    def test_credentials_are_the_same(self):
        for extension in ({"basicauth": {"client_auth": {"username": "me", "password": "p:w ü"}}},
                          {"bearertokenauth": {"token": "t0ken"}}, {"bearertokenauth": {"tokens": ["one", "two"], "header": "X-Key"}}):
            for exporter in (self.over_http(), self.over_http({"Authorization": "mine"}), self.over_grpc()):
                with self.subTest(extension=extension):
                    self.assert_same_headers(extension, exporter, ["authorization", "x-key"])

    def test_headers_are_set_the_same(self):
        headers = [{"key": "X-Up", "value": "1", "action": "upsert"}, {"key": "X-In", "value": "2", "action": "insert"},
                   {"key": "X-Have", "value": "3", "action": "insert"}, {"key": "X-Have", "value": "4", "action": "update"},
                   {"key": "X-Not", "value": "5", "action": "update"}, {"key": "User-Agent", "value": "mine/1", "action": "update"},
                   {"key": "X-From", "from_context": "X-Tenant", "default_value": "nobody", "action": "upsert"},
                   {"key": "X-None", "from_context": "X-Absent", "action": "upsert"}]
        names = ["x-up", "x-in", "x-have", "x-not", "x-from", "x-none"]
        for exporter, more in ((self.over_http({"X-Have": "0"}), ["user-agent"]), (self.over_grpc(is_plain=True), [])):
            for metadata in ((), (("x-tenant", "acme"),)):
                for includes in (True, False):
                    with self.subTest(metadata=metadata, includes=includes):
                        self.assert_same_headers({"headers_setter": {"headers": headers}}, exporter, names + more, metadata=metadata,
                                                 receiver={"include_metadata": includes})

    def test_another_authenticator_adds_the_same(self):
        extensions = {"bearertokenauth": {"token": "t0ken"}, "headers_setter": {
            "headers": [{"key": "authorization", "value": "no", "action": "upsert"}, {"key": "x-up", "value": "1", "action": "upsert"}],
            "additional_auth": "bearertokenauth"}}
        for exporter in (self.over_http(), self.over_grpc()):
            self.assert_same_headers(extensions, exporter, ["authorization", "x-up"])

    def test_both_refuse_the_same_configs(self):
        address = f"127.0.0.1:{free_port()}"
        bearer = {"bearertokenauth": {"token": "x"}}
        cases = [(bearer, "nobody", "otlp_http", {}), ({"basicauth": {"htpasswd": {"inline": "a:b"}}}, "basicauth", "otlp_http", {}),
                 (bearer, "bearertokenauth", "otlp", {"tls": {"insecure": True}}), ({"bearertokenauth": {}}, "bearertokenauth", "otlp_http", {}),
                 ({"bearertokenauth": {"token": "a", "tokens": ["b"]}}, "bearertokenauth", "otlp_http", {}),
                 ({"basicauth": {}}, "basicauth", "otlp_http", {}), ({"headers_setter": {}}, "headers_setter", "otlp_http", {}),
                 ({"headers_setter": {"headers": [{"key": "a"}]}}, "headers_setter", "otlp_http", {}),
                 ({"headers_setter": {"headers": [{"key": "a", "value": "b", "from_context": "c"}]}}, "headers_setter", "otlp_http", {})]
        for extensions, authenticator, kind, settings in cases:
            endpoint = "127.0.0.1:1" if kind == "otlp" else "http://127.0.0.1:1"
            config = configs.pipeline(address, {kind: {"endpoint": endpoint, "auth": {"authenticator": authenticator}, **settings}})
            config["extensions"], config["service"]["extensions"] = extensions, list(extensions)
            for name, program in self.programs().items():
                with self.subTest(name, extensions=extensions, authenticator=authenticator, kind=kind):
                    with self.assertRaises(ProgramFailed):
                        self.run_with(program, config, [address])


class CollectorMetadataTest(OutsideInCase):
    """Batches by metadata_keys: what goes on together, and with which of the requests' metadata."""

    def exported(self, program):
        backend, address = self.start(HttpBackend()), f"127.0.0.1:{free_port()}"
        config = configs.pipeline(
            address, {"otlp_http": {"endpoint": backend.url, "auth": {"authenticator": "headers_setter"}}},
            {"batch": {"timeout": "1s", "metadata_keys": ["X-Tenant", "x-zone"]}}, receiver=configs.otlp_receiver(address, include_metadata=True))
        config["extensions"] = {"headers_setter": {"headers": [
            {"key": f"X-Out-{name}", "from_context": name, "default_value": "none", "action": "upsert"} for name in ("x-tenant", "X-ZONE", "x-other")]}}
        config["service"]["extensions"] = ["headers_setter"]
        self.start_program(config, [address], program=program, stand_in=bool(program))
        metadata = ([("x-tenant", "a")], [("x-tenant", "b")], [], [("x-tenant", "a"), ("x-zone", "1")], [("x-tenant", ""), ("x-other", "o")])
        with contextlib.closing(grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])) as channel:
            for number in range(20):
                channel.unary_unary(otlp.TRACES_METHOD)(otlp.numbered_request(number, 1), timeout=20, metadata=metadata[number % 5])
        self.assertEqual(len(backend.wait_for_spans(20)), 20)
        return sorted(([received.headers[f"x-out-{name}"] for name in ("x-tenant", "x-zone", "x-other")],
                       sorted(otlp.span_ids(received.body))) for received in backend.requests)

    def test_the_same_go_together(self):
        mine, other = self.exported(None), self.exported(collector_binary())
        self.assertEqual(mine, other)
        self.assertEqual(len(mine), 5)


class CollectorAnswersTest(OutsideInCase):
    """What a client is told of a backend that wants less, when neither a queue nor a retry stands between."""

    @classmethod
    def setUpClass(cls):
        cls.collector = collector_binary()

    def test_overload_and_wrong_encodings(self):
        answers = {}
        for name, program in {"weft": None, "collector": self.collector}.items():
            answers[name] = []
            for code in (429, 503):
                backend = self.start(HttpBackend(answer=lambda *_, code=code: HttpAnswer(code, headers={"Retry-After": "3"})))
                over_grpc, over_http = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
                exporter = {"endpoint": backend.url, "sending_queue": {"enabled": False}, "retry_on_failure": {"enabled": False}}
                config = configs.pipeline(over_grpc, {"otlp_http": exporter}, receiver={"protocols": {
                    "grpc": {"endpoint": over_grpc}, "http": {"endpoint": over_http}}})
                self.start_program(config, [over_grpc, over_http], program=program, stand_in=bool(program))
                answers[name].append(self.client(over_grpc).export(otlp.numbered_request(0, 1)).code)
                for headers in ({"Content-Type": PROTOBUF}, {"Content-Type": PROTOBUF, "Content-Encoding": "brotli"},
                                {"Content-Type": JSON, "Content-Encoding": "brotli"}):
                    with contextlib.closing(http.client.HTTPConnection(over_http, timeout=20)) as connection:
                        connection.request("POST", "/v1/traces", otlp.numbered_request(0, 1), headers)
                        answers[name].append(connection.getresponse().status)
        self.assertEqual(answers["weft"], answers["collector"])
        self.assertEqual(answers["weft"][1:3], [429, 400])

    def test_redirects_of_the_same_host(self):
        for name, program in {"weft": None, "collector": self.collector}.items():
            with self.subTest(name):
                backend = self.start(HttpBackend(answer=lambda _, received: HttpAnswer(307, headers={"Location": "/v1/traces?x"})
                                                 if received.path == "/v1/traces" else HttpAnswer()))
                address = f"127.0.0.1:{free_port()}"
                config = configs.pipeline(address, {"otlp_http": {"endpoint": backend.url, "compression": "none"}})
                self.start_program(config, [address], program=program, stand_in=bool(program))
                self.client(address).export(otlp.numbered_request(0, 10))
                self.assertTrue(wait_until(lambda: len(backend.requests) == 2, 10.0))
                self.assertEqual(backend.requests[0].raw, backend.requests[1].raw)
