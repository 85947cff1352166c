"""Who may send to weft, and who weft says that it is: the extensions basicauth, bearertokenauth and headers_setter, at the
receivers and for the exporters."""

import base64
import contextlib
import http.client
import pathlib
import subprocess
import threading

import grpc

from harness import config as configs
from harness import otlp, prometheus, stubs
from harness.case import OutsideInCase, only_weft
from harness.certificates import Certificates
from harness.http_backend import PROTOBUF, HttpBackend
from harness.places import is_stand_in, program_under_test
from harness.process import ProgramFailed, free_port, wait_until

BCRYPT = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"  # of "secret"
USERS = {"bcrypt": BCRYPT, "apache": "$apr1$saltsalt$LrttParrLPdxvgutaSXWJ0", "sha": "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
         "plain": "secret"}
HTPASSWD = "".join(f"{name}:{kept}\n" for name, kept in USERS.items())


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class AuthCase(OutsideInCase):
    def address(self):
        return f"127.0.0.1:{free_port()}"

    def receiving(self, extension, settings, service=None, **more):
        """weft with one authenticator before all its doors, and nop behind them."""
        self.grpc, self.http, self.lines = self.address(), self.address(), self.address()
        self.config = {
            "extensions": {extension: settings},
            "receivers": {
                "otlp": {"protocols": {name: {"endpoint": address, "auth": {"authenticator": extension}}
                                       for name, address in (("grpc", self.grpc), ("http", self.http))}},
                "jsonlog": {"protocols": {"http": {"endpoint": self.lines, "auth": {"authenticator": extension}}}}},
            "exporters": {"nop": None},
            "service": {"extensions": [extension], "telemetry": {"logs": {"level": "debug"}}, "pipelines": {
                "traces": {"receivers": ["otlp"], "exporters": ["nop"]},
                "logs": {"receivers": ["jsonlog"], "exporters": ["nop"]}}, **(service or {})}, **more}
        return self.start_program(self.config, [self.grpc, self.http, self.lines])

    def call(self, metadata):
        with contextlib.closing(grpc.insecure_channel(self.grpc, [("grpc.use_local_subchannel_pool", 1)])) as channel:
            try:
                channel.unary_unary(otlp.TRACES_METHOD)(otlp.numbered_request(0, 10), timeout=20, metadata=metadata)
            except grpc.RpcError as error:
                return error.code(), error.details()
        return grpc.StatusCode.OK, ""

    def post(self, address, path, body, headers):
        with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def wait_for_token(self, value):
        self.assertTrue(wait_until(lambda: self.call([("authorization", value)])[0] == grpc.StatusCode.OK, 10.0))

    def assert_let_in(self, headers, name=""):
        self.assertEqual(self.call([(key.lower(), value) for key, value in headers.items()]), (grpc.StatusCode.OK, ""), name)
        request = {"Content-Type": PROTOBUF, **headers}
        self.assertEqual(self.post(self.http, "/v1/traces", otlp.numbered_request(0, 10), request)[0], 200, name)
        self.assertEqual(self.post(self.lines, "/", b'{"message": "x"}', headers)[0], 200, name)

    def assert_kept_out(self, headers, text, name=""):
        self.assertEqual(self.call([(key.lower(), value) for key, value in headers.items()]),
                         (grpc.StatusCode.UNAUTHENTICATED, text), name)
        for path in ("/v1/traces", "/nowhere"):
            status, body = self.post(self.http, path, otlp.numbered_request(0, 10), {"Content-Type": PROTOBUF, **headers})
            self.assertEqual(status, 401, name)
            self.assertIn(text.encode(), body, name)
        self.assertEqual(self.post(self.lines, "/", b"x", headers)[0], 401, name)


@only_weft("jsonlog is its own")
class BasicTest(AuthCase):
    def test_users_of_every_form_come_in_and_nobody_else(self):
        program = self.receiving("basicauth", {"htpasswd": {"inline": HTPASSWD}})
        for user in USERS:
            for _ in range(2):  # compared, then remembered
                self.assert_let_in({"Authorization": basic(user, "secret")}, user)
                self.assert_kept_out({"Authorization": basic(user, "Secret")}, "invalid credentials", user)
        self.assert_let_in({"authorization": basic("plain", "secret").replace("Basic", "bASIC")})
        for value, text in (("", "no basic auth provided"), ("Bearer x", "invalid authorization scheme prefix"),
                            ("Basic !", "invalid authorization format"), (basic("nobody", "secret"), "invalid credentials"),
                            ("Basic " + base64.b64encode(b"no colon").decode(), "invalid authorization format")):
            self.assert_kept_out({"Authorization": value} if value else {}, text, value)
        self.assertGreater(prometheus.total(program.metrics(), "weft_receiver_unauthenticated_requests"), 40)
        log = program.process.log_text()
        for user, kept in USERS.items():
            self.assertNotIn(basic(user, "secret"), log)
            self.assertTrue(user == "plain" or kept not in log, user)

    def test_many_who_come_at_once_are_all_judged(self):
        self.receiving("basicauth", {"htpasswd": {"inline": HTPASSWD}})
        found = []

        def send(number):
            password = "secret" if number % 2 else f"wrong {number % 5}"
            status, _ = self.post(self.http, "/v1/traces", otlp.numbered_request(0, 10),
                                  {"Content-Type": PROTOBUF, "Authorization": basic("bcrypt", password)})
            found.append((number % 2, status))

        threads = [threading.Thread(target=send, args=[number]) for number in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(found), [(0, 401)] * 20 + [(1, 200)] * 20)

    def test_what_waits_for_a_judgement_is_bounded(self):
        """Who shows no good credentials holds no more memory than who sends half of a message."""
        slow = "$2b$12$abcdefghijklmnopqrstuuT1Iwu6o8Wx7BoOyIMHfgVJq6JO/IJhW"  # of "secret", half a second
        program = self.receiving("basicauth", {"htpasswd": {"inline": f"slow:{slow}\n"}}, {"max_begun_bytes": "8MiB"})
        large = otlp.request([otlp.span(b"\1" * 16, b"\2" * 8, "x" * (3 << 20))])
        with contextlib.closing(grpc.insecure_channel(self.grpc)) as channel:
            send = channel.unary_unary(otlp.TRACES_METHOD)
            calls = [send.future(large, timeout=60, metadata=[("authorization", basic("slow", f"wrong {number}"))])
                     for number in range(12)]
            codes = [call.exception().code() for call in calls]
        self.assertEqual(set(codes), {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED})
        self.assertEqual(prometheus.total(program.metrics(), "weft_receiver_unjudged_requests"),
                         codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED))
        self.assertEqual(self.call([("authorization", basic("slow", "secret"))])[0], grpc.StatusCode.OK)

    def test_the_file_is_read_again(self):
        path = pathlib.Path(self.temporary_directory()) / "users"
        path.write_text("one:secret\n")
        program = self.receiving("basicauth/file", {"htpasswd": {"file": str(path), "inline": "inline:secret"},
                                                    "reload_interval": "50ms"})
        for user in ("one", "inline"):
            self.assert_let_in({"Authorization": basic(user, "secret")})
        fresh = path.with_suffix(".new")
        fresh.write_text(f"two:{BCRYPT}\n")
        fresh.rename(path)
        self.wait_for_token(basic("two", "secret"))
        self.assert_kept_out({"Authorization": basic("one", "secret")}, "invalid credentials")
        path.unlink()
        self.assert_logged("auth.file_unreadable", program)
        for user in ("two", "inline"):
            self.assert_let_in({"Authorization": basic(user, "secret")})


@only_weft("jsonlog is its own")
class BearerTest(AuthCase):
    def test_tokens_in_their_scheme_come_in(self):
        self.receiving("bearertokenauth", {"token": "s3cret"})
        wrong = "provided authorization does not match expected scheme or token"
        self.assert_let_in({"Authorization": "Bearer s3cret"})
        for value in ("Bearer s3cres", "bearer s3cret", "s3cret", "Bearer s3cret ".rstrip() + "x"):
            self.assert_kept_out({"Authorization": value}, wrong, value)
        self.assert_kept_out({}, "missing or empty authorization header: Authorization")

    def test_header_and_scheme_may_be_others(self):
        self.receiving("bearertokenauth/x", {"tokens": ["a", "b"], "scheme": "", "header": "X-Api-Key"})
        for token in ("a", "b"):
            self.assert_let_in({"X-Api-Key": token})
        self.assert_kept_out({"Authorization": "Bearer a"}, "missing or empty authorization header: X-Api-Key")

    def test_the_file_is_read_again(self):
        path = pathlib.Path(self.temporary_directory()) / "tokens"
        path.write_text("first comment\n\n  second\n")
        program = self.receiving("bearertokenauth", {"filename": str(path), "reload_interval": "50ms"})
        for token in ("first", "second"):
            self.assert_let_in({"Authorization": f"Bearer {token}"})
        path.write_text("third\n")
        self.wait_for_token("Bearer third")
        self.assert_kept_out({"Authorization": "Bearer first"}, "provided authorization does not match expected scheme or token")
        path.write_text("\n")
        self.assert_logged("auth.file_unusable", program)
        self.assert_let_in({"Authorization": "Bearer third"})

    def test_a_reload_changes_who_comes_in(self):
        program = self.receiving("bearertokenauth", {"token": "before"})
        self.assert_let_in({"Authorization": "Bearer before"})
        self.config["extensions"]["bearertokenauth"]["token"] = "after"
        program.write(self.config)
        program.reload()
        self.wait_for_token("Bearer after")
        self.assert_kept_out({"Authorization": "Bearer before"},
                             "provided authorization does not match expected scheme or token")


class PagesTest(AuthCase):
    """Who may see the pages of health_check and zpages."""

    def test_nobody_else_sees_a_page_or_learns_of_one(self):
        health, zpages = self.address(), self.address()
        extensions = {"basicauth": {"htpasswd": {"inline": f"slow:{BCRYPT}\nplain:secret\n"}},
                      "health_check": {"endpoint": health, "path": "/healthy", "auth": {"authenticator": "basicauth"}},
                      "zpages": {"endpoint": zpages, "auth": {"authenticator": "basicauth"}}}
        config = {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": self.address()}}}}, "exporters": {"nop": None}, "extensions": extensions,
                  "service": {"extensions": list(extensions), "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["nop"]}}}}
        program = self.start_program(config, [health, zpages])
        for address, path in ((health, "/healthy"), (zpages, "/debug/pipelinez")):
            for user, password in (("slow", "secret"), ("slow", "secret"), ("plain", "secret")):
                self.assertEqual(self.get(address, path, basic(user, password))[0], 200)
            self.assertEqual(self.get(address, "/nowhere", basic("plain", "secret"))[0], 404)
            for where in (path, "/nowhere"):
                if program.is_stand_in and address == health:
                    continue  # the Collector of 0.158 lets anybody in here, whatever auth says
                self.assertEqual(self.get(address, where, None)[0], 401)
                self.assertEqual(self.get(address, where, basic("slow", "wrong"))[0], 401)
        if not program.is_stand_in:
            for keys in ({"path": "/other"}, {"auth": None}, {"auth": {"authenticator": "basicauth"}}):
                extensions["health_check"] = {**extensions["health_check"], **keys}
                program.write(config)
                program.reload()
                path = extensions["health_check"]["path"]
                wanted = 200 if keys.get("auth", {}) is None else 401
                self.assertTrue(wait_until(lambda: self.get(health, path, None)[0] == wanted
                                           and self.get(health, path, basic("plain", "secret"))[0] == 200, 10.0), keys)

    def get(self, address, path, credentials):
        try:
            with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
                connection.request("GET", path, headers={"Authorization": credentials} if credentials else {})
                answer = connection.getresponse()
                return answer.status, answer.read()
        except OSError:  # between two servers
            return 0, b""


class ClientCase(AuthCase):
    def sending(self, extensions, exporter, receiver=None, authenticator=None, names=None):
        address, over_http = self.address(), self.address()
        kind, settings = exporter
        settings = {"retry_on_failure": {"enabled": False}, "auth": {"authenticator": authenticator or next(iter(extensions))},
                    **settings}
        config = configs.pipeline(address, {kind: settings}, receiver={"protocols": {
            "grpc": {"endpoint": address, **(receiver or {})}, "http": {"endpoint": over_http, **(receiver or {})}}})
        config["extensions"] = extensions
        config["service"]["extensions"] = names or list(extensions)
        self.grpc, self.http, self.config = address, over_http, config
        return self.start_program(config, [address, over_http])

    def sent(self, backend, metadata=()):
        count = len(backend.requests)
        self.assertEqual(self.call(metadata), (grpc.StatusCode.OK, ""))
        self.assertTrue(wait_until(lambda: len(backend.requests) > count, 10.0))
        return backend.requests[-1]


class CredentialsTest(ClientCase):
    def test_over_http(self):
        backend = self.start(HttpBackend())
        for extension, settings, header, value in (
                ("basicauth", {"client_auth": {"username": "me", "password": "p:w"}}, "authorization", basic("me", "p:w")),
                ("bearertokenauth", {"token": "t0ken"}, "authorization", "Bearer t0ken"),
                ("bearertokenauth", {"tokens": ["one", "two"], "scheme": "", "header": "X-Key"}, "x-key", "one")):
            with self.subTest(extension, **settings):
                self.sending({extension: settings}, ("otlp_http", {"endpoint": backend.url, "headers": {"Authorization": "mine"}}))
                headers = self.sent(backend).headers
                self.assertEqual(headers[header], value)

    def test_over_grpc_with_tls_only(self):
        certificates = Certificates(self.temporary_directory())
        backend = self.backend(address=f"localhost:{free_port()}", credentials=certificates.grpc_server(is_client_required=False))
        tls = {"ca_file": str(certificates.authority)}
        own = {} if is_stand_in() else {"headers": {"authorization": "mine"}}  # the Collector sends both
        for extension, settings, value in (
                ("basicauth", {"client_auth": {"username": "me", "password": "pw"}}, basic("me", "pw")),
                ("bearertokenauth", {"token": "t0ken"}, "Bearer t0ken")):
            with self.subTest(extension):
                self.sending({extension: settings}, ("otlp", {"endpoint": backend.address, "tls": tls, **own}))
                self.assertEqual(self.sent(backend).metadata["authorization"], value)
                with self.assertRaises(ProgramFailed) as caught:
                    self.sending({extension: settings}, ("otlp", {"endpoint": backend.address, "tls": {"insecure": True}}))
                self.assertIn("require transport level security", str(caught.exception))
                if not is_stand_in():
                    self.assertIn("set tls::ca_file where", str(caught.exception))

    @only_weft("its own way to look at files")
    def test_files_are_read_again(self):
        backend = self.start(HttpBackend())
        name, password = (pathlib.Path(self.temporary_directory()) / text for text in ("name", "password"))
        name.write_text(" me\n")
        password.write_text("first\n")
        self.sending({"basicauth": {"client_auth": {"username_file": str(name), "password_file": str(password)},
                                    "reload_interval": "50ms"}}, ("otlp_http", {"endpoint": backend.url}))
        self.assertEqual(self.sent(backend).headers["authorization"], basic("me", "first"))
        password.write_text("second")
        self.assertTrue(wait_until(lambda: self.sent(backend).headers["authorization"] == basic("me", "second"), 10.0))


class HeadersSetterTest(ClientCase):
    def test_values_are_set(self):
        backend = self.start(HttpBackend())
        headers = [{"key": "X-Up", "value": "1"}, {"key": "X-In", "value": "2", "action": "insert"},
                   {"key": "X-Have", "value": "3", "action": "insert"}, {"key": "x-have", "value": "4", "action": "update"},
                   {"key": "X-Not", "value": "5", "action": "update"}, {"key": "User-Agent", "value": "mine/1", "action": "update"}]
        if not is_stand_in():  # the Collector of 0.158 panics
            headers.append({"key": "X-Gone", "action": "delete"})
        self.sending({"headers_setter": {"headers": headers}},
                     ("otlp_http", {"endpoint": backend.url, "headers": {"X-Have": "0", "X-Gone": "0"}}))
        found = self.sent(backend).headers
        self.assertEqual({name: found.get(name) for name in ("x-up", "x-in", "x-have", "x-not", "x-gone", "user-agent")},
                         {"x-up": "1", "x-in": "2", "x-have": "4", "x-not": None, "x-gone": "0" if is_stand_in() else None, "user-agent": "mine/1"})

    def test_values_come_from_the_request(self):
        headers = [{"key": "X-Scope", "from_context": "X-Tenant", "default_value": "nobody"}]
        behind_http, behind_grpc = self.start(HttpBackend()), self.backend()
        for backend, exporter, kept in (
                (behind_http, ("otlp_http", {"endpoint": behind_http.url}), lambda received: received.headers),
                (behind_grpc, ("otlp", {"endpoint": behind_grpc.address, "tls": {"insecure": True}}),
                 lambda received: received.metadata)):
            for includes in (True, False):
                with self.subTest(exporter[0], includes=includes):
                    self.sending({"headers_setter": {"headers": headers}}, exporter, {"include_metadata": includes})
                    received = self.sent(backend, [("x-tenant", "acme")])
                    self.assertEqual(kept(received)["x-scope"], "acme" if includes else "nobody")
                    self.assertEqual(kept(self.sent(backend))["x-scope"], "nobody")
                    count = len(backend.requests)
                    self.post(self.http, "/v1/traces", otlp.numbered_request(0, 1), {"Content-Type": PROTOBUF, "X-TENANT": "zoo"})
                    self.assertTrue(wait_until(lambda: len(backend.requests) > count, 10.0))
                    self.assertEqual(kept(backend.requests[-1])["x-scope"], "zoo" if includes else "nobody")

    @only_weft("the Collector of 0.158 panics: no authenticator there says who has come, and it asks all the same")
    def test_what_is_known_of_who_has_come_is_nothing(self):
        backend = self.start(HttpBackend())
        self.sending({"headers_setter": {"headers": [{"key": "X-Who", "from_attribute": "username", "default_value": "someone"},
                                                     {"key": "X-Else", "from_attribute": "raw"}]}}, ("otlp_http", {"endpoint": backend.url}))
        found = self.sent(backend).headers
        self.assertEqual((found["x-who"], found["x-else"]), ("someone", ""))

    def test_another_authenticator_adds_its_own(self):
        backend = self.start(HttpBackend())
        self.sending({"bearertokenauth": {"token": "t0ken"},
                      "headers_setter": {"headers": [{"key": "X-Up", "value": "1"}, {"key": "Authorization", "value": "no"}],
                                         "additional_auth": "bearertokenauth"}},
                     ("otlp_http", {"endpoint": backend.url}), authenticator="headers_setter")
        found = self.sent(backend).headers
        self.assertEqual((found["x-up"], found["authorization"]), ("1", "Bearer t0ken"))


class ClientAddressTest(ClientCase):
    """from_context of the processor attributes."""

    ACTIONS = [{"key": "peer", "action": "insert", "from_context": "client.address"},
               {"key": "who", "action": "insert", "from_context": "auth.username", "default_value": "someone"},
               {"key": "raw", "action": "insert", "from_context": "auth.raw"}]

    def marked(self, processors, includes):
        """The attributes that each of two spans gets: one comes over gRPC, the other over HTTP."""
        backend, grpc_address, http_address = self.backend(), self.address(), self.address()
        config = configs.pipeline(None, {"otlp": configs.otlp_exporter(backend.address)}, {**processors, "attributes": {"actions": self.ACTIONS}},
                                  receiver={"protocols": {name: {"endpoint": address, "include_metadata": includes}
                                                          for name, address in (("grpc", grpc_address), ("http", http_address))}})
        self.start_program(config, [grpc_address, http_address])
        self.grpc = grpc_address
        self.assertEqual(self.call([])[0], grpc.StatusCode.OK)
        self.assertEqual(self.post(http_address, "/v1/traces", otlp.numbered_request(10, 10), {"Content-Type": PROTOBUF})[0], 200)
        backend.wait_for_spans(20)
        spans = [span for body in backend.bodies() for rows in stubs.trace_request(body).resource_spans
                 for scope in rows.scope_spans for span in scope.spans]
        return [{item.key: item.value.string_value for item in span.attributes if item.key in ("peer", "who", "raw")} for span in spans]

    def test_the_address_is_there_with_and_without_metadata(self):
        for includes in (False, True):
            self.assertEqual(self.marked({}, includes), [{"peer": "127.0.0.1", "who": "someone"}] * 20)

    def test_behind_a_batch_it_is_empty(self):
        self.assertEqual(self.marked({"batch": {"timeout": "50ms"}}, True), [{"peer": "", "who": "someone"}] * 20)


class MetadataKeysTest(ClientCase):
    def start_tenants(self, limit=1000, is_in_queue=False):
        backend = self.start(HttpBackend())
        batch = {"batch": {"timeout": "500ms", "metadata_keys": ["X-Tenant"], "metadata_cardinality_limit": limit}}
        queue = {"sending_queue": {"batch": {"flush_timeout": "500ms", "partition": {"metadata_keys": ["X-Tenant"]}}}}
        address = self.address()
        config = configs.pipeline(
            address, {"otlp_http": {"endpoint": backend.url, "auth": {"authenticator": "headers_setter"}, **(queue if is_in_queue else {})}},
            {} if is_in_queue else batch,
            receiver=configs.otlp_receiver(address, include_metadata=True))
        config["extensions"] = {"headers_setter": {"headers": [
            {"key": "X-Scope", "from_context": "x-tenant", "default_value": "nobody"},
            {"key": "X-Other", "from_context": "x-other", "default_value": "gone"}]}}
        config["service"]["extensions"] = ["headers_setter"]
        self.grpc = address
        return backend, self.start_program(config, [address])

    def export(self, number, *tenants):
        with contextlib.closing(grpc.insecure_channel(self.grpc, [("grpc.use_local_subchannel_pool", 1)])) as channel:
            channel.unary_unary(otlp.TRACES_METHOD)(otlp.numbered_request(number, 1), timeout=20, metadata=[
                ("x-other", "x"), *(("x-tenant", tenant) for tenant in tenants)])

    def test_what_differs_is_collected_apart(self):
        self.assert_collected_apart(*self.start_tenants(), "gone")

    def test_what_differs_is_collected_apart_in_the_queue(self):
        """Where all that are collected say the same of something else, too, weft keeps it."""
        self.assert_collected_apart(*self.start_tenants(is_in_queue=True), "gone" if is_stand_in() else "x")

    def assert_collected_apart(self, backend, program, other):
        for number in range(12):
            self.export(number, *(["a"], ["b"], [], ["a" * 300])[number % 4])
        self.assertEqual(len(backend.wait_for_spans(12)), 12)
        self.assertEqual(sorted(received.headers["x-scope"] for received in backend.requests), ["a", "a" * 300, "b", "nobody"])
        self.assertEqual({received.headers["x-other"] for received in backend.requests}, {other})
        for received in backend.requests:
            first = ["a", "b", "nobody", "a" * 300].index(received.headers["x-scope"])
            self.assertEqual(otlp.span_ids(received.body), [otlp.numbered_span_id(first + 4 * i) for i in range(3)])
        if not program.is_stand_in:
            self.assertEqual(program.ledger(True).disagreements(), [])

    @only_weft("the Collector wants sending_queue.batch.partition for it")
    def test_a_queue_that_batches_keeps_tenants_apart(self):
        backend = self.start(HttpBackend())
        self.grpc = self.address()
        config = configs.pipeline(
            self.grpc, {"otlp_http": {"endpoint": backend.url, "auth": {"authenticator": "headers_setter"},
                                      "sending_queue": {"batch": {"flush_timeout": "300ms", "min_size": 100}}}},
            receiver=configs.otlp_receiver(self.grpc, include_metadata=True))
        config["extensions"] = {"headers_setter": {"headers": [
            {"key": "X-Scope", "from_context": "x-tenant", "default_value": "nobody"}]}}
        config["service"]["extensions"] = ["headers_setter"]
        self.start_program(config, [self.grpc])
        tenants = [["a"], ["a"], ["b"], [], ["a"], ["a"]]
        for number, tenant in enumerate(tenants):
            self.export(number, *tenant)
        self.assertEqual(len(backend.wait_for_spans(len(tenants))), len(tenants))
        for received in backend.requests:
            for span_id in otlp.span_ids(received.body):
                number = next(i for i in range(len(tenants)) if otlp.numbered_span_id(i) == span_id)
                self.assertEqual(received.headers["x-scope"], (tenants[number] or ["nobody"])[0])

    def test_more_combinations_than_the_limit_are_refused(self):
        backend, program = self.start_tenants(limit=2)
        self.export(0, "a")
        self.export(1, "b")
        with self.assertRaises(grpc.RpcError) as caught:
            self.export(2, "c")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INTERNAL)
        self.assertIn("too many batcher metadata-value combinations", caught.exception.details())
        self.export(3, "a")
        self.assertEqual(len(backend.wait_for_spans(3)), 3)
        self.assertEqual(len(backend.requests), 2)


@only_weft("its own words")
class ConfigTest(ClientCase):
    def assert_refused(self, text, extensions, **settings):
        with self.assertRaises(ProgramFailed) as caught:
            self.sending(extensions, ("otlp_http", {"endpoint": "http://127.0.0.1:1"}), **settings)
        self.assertIn(text, str(caught.exception))

    def test_bad_configs_are_refused(self):
        bearer = {"bearertokenauth": {"token": "x"}}
        self.assert_refused('authenticator \\"nobody\\": authenticator not found', bearer, authenticator="nobody")
        self.assert_refused("authenticator not found", {**bearer, "pprof": None}, names=["pprof"])
        self.assert_refused("does not authenticate clients", {"basicauth": {"htpasswd": {"inline": "a:b"}}})
        self.assert_refused("does not authenticate clients", {"pprof": None})
        self.assert_refused("does not authenticate servers", {"headers_setter": {"headers": [{"key": "a", "value": "b"}]}},
                            receiver={"auth": {"authenticator": "headers_setter"}})
        self.assert_refused("no bearer token provided", {"bearertokenauth": {}})
        self.assert_refused("not both", {"bearertokenauth": {"token": "a", "tokens": ["b"]}})
        self.assert_refused("no credential source provided", {"basicauth": {}})
        self.assert_refused("only one of", {"basicauth": {"htpasswd": {"inline": "a:b"}, "client_auth": {"username": "a"}}})
        self.assert_refused("missing headers configuration", {"headers_setter": {}})
        self.assert_refused("missing header source", {"headers_setter": {"headers": [{"key": "a"}]}})
        self.assert_refused("invalid header source",
                            {"headers_setter": {"headers": [{"key": "a", "value": "b", "from_context": "c"}]}})
        circle = {"headers": [{"key": "a", "value": "b"}]}
        self.assert_refused("in a circle", {"headers_setter": {**circle, "additional_auth": "headers_setter"}})
        self.assert_refused("in a circle", {"headers_setter/a": {**circle, "additional_auth": "headers_setter/b"},
                                            "headers_setter/b": {**circle, "additional_auth": "headers_setter/a"}})
        self.assert_refused("No such file", {"bearertokenauth": {"filename": "/nowhere/token"}})

    def test_secrets_are_not_printed(self):
        path = pathlib.Path(self.temporary_directory()) / "config.yaml"
        path.write_text(configs.text({
            "receivers": {"nop": None}, "exporters": {"nop": None},
            "extensions": {"bearertokenauth": {"tokens": ["hidden1", "hidden2"]}, "bearertokenauth/one": {"token": "hidden3"},
                           "basicauth": {"htpasswd": {"inline": "user:hidden4"}},
                           "basicauth/client": {"client_auth": {"username": "me", "password": "hidden5"}},
                           "headers_setter": {"headers": [{"key": "a", "value": "hidden6"},
                                                          {"key": "b", "from_context": "c", "default_value": "hidden7"}]}},
            "service": {"pipelines": {"traces": {"receivers": ["nop"], "exporters": ["nop"]}}}}))
        printed = subprocess.run([program_under_test(), "print-config", "--config", path], capture_output=True, text=True,
                                 check=True, timeout=20).stdout
        self.assertIn("client_auth", printed)
        self.assertNotIn("hidden", printed)


@only_weft("it is weft's own command")
class FilesTest(ClientCase):
    """`weft validate` reads what authenticators would read, and says what is wrong with it, but never what stands there."""

    SECRET = "hunter2hunter2"

    def setUp(self):
        self.folder = pathlib.Path(self.temporary_directory())
        self.file = self.folder / "credentials"

    def validate(self, extension, settings, contents):
        self.file.unlink(missing_ok=True)
        if contents is not None:
            self.file.write_bytes(contents)
        config = configs.pipeline("localhost:0", {"nop": {}})
        config["extensions"] = {extension: settings}
        config["service"]["extensions"] = [extension]
        path = self.folder / "config.yaml"
        path.write_text(configs.text(config))
        done = subprocess.run([program_under_test(), "validate", "--config", path], capture_output=True, text=True, timeout=30)
        self.assertNotIn(self.SECRET, done.stdout + done.stderr)
        return done.returncode, done.stdout + done.stderr

    def assert_says(self, extension, settings, contents, code, *texts):
        found, said = self.validate(extension, settings, contents)
        self.assertEqual(found, code, said)
        for text in texts:
            self.assertIn(text, said)
        if not texts:
            self.assertNotIn("warning", said)

    def test_certificates_of_what_is_not_there(self):
        """Every component that serves over TLS."""
        tls = {"tls": {"cert_file": str(self.folder / "no.pem"), "key_file": str(self.folder / "no.key")}}
        for kind, name, settings in (("receivers", "otlp", {"protocols": {"grpc": {"endpoint": "localhost:0", **tls}}}),
                                     ("receivers", "jsonlog", {"protocols": {"http": {"endpoint": "localhost:0", **tls}}}),
                                     ("exporters", "prometheus", {"endpoint": "localhost:0", **tls}),
                                     ("extensions", "health_check", {"endpoint": "localhost:0", **tls}),
                                     ("extensions", "zpages", {"endpoint": "localhost:0", **tls})):
            used = {"receivers": "nop", "exporters": "nop", kind: name}
            config = {"receivers": {"nop": None}, "exporters": {"nop": None}, "service": {"extensions": [name] if kind == "extensions" else []}}
            config.setdefault(kind, {})[name] = settings
            signal = {"jsonlog": "logs", "prometheus": "metrics"}.get(name, "traces")
            config["service"]["pipelines"] = {signal: {"receivers": [used["receivers"]], "exporters": [used["exporters"]]}}
            path = self.folder / "config.yaml"
            path.write_text(configs.text(config))
            done = subprocess.run([program_under_test(), "validate", "--config", path], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 1, name)
            self.assertIn("No such file", done.stdout + done.stderr, name)

    def test_users(self):
        settings = {"htpasswd": {"file": str(self.file)}}
        self.assert_says("basicauth", settings, HTPASSWD.encode() + b"\n# a comment\n", 0)
        self.assert_says("basicauth", settings, None, 1, "No such file")
        self.assert_says("basicauth", settings, b"", 0, "no user in it")
        self.assert_says("basicauth", settings, f"a:{self.SECRET}\n{self.SECRET}\n\nb:$2y$05${self.SECRET}\n".encode(), 0,
                         "line 2 is passed over: there is no ':'", "line 4 is passed over: the password")
        self.assert_says("basicauth", {"htpasswd": {"inline": f"a:{self.SECRET}\n{self.SECRET}"}}, None, 0, "htpasswd.inline: line 2 is passed over")

    def test_who_a_client_is(self):
        settings = {"client_auth": {"username": "u", "password_file": str(self.file)}}
        self.assert_says("basicauth", settings, self.SECRET.encode() + b"\n", 0)
        self.assert_says("basicauth", settings, None, 1, "No such file")
        self.assert_says("basicauth", settings, b" \n\n", 1, "is empty")
        self.assert_says("basicauth", {"client_auth": {"username_file": str(self.file), "password": "p"}}, b"user:name", 0, "has no ':'")

    def test_tokens(self):
        settings = {"filename": str(self.file)}
        self.assert_says("bearertokenauth", settings, f"first # of two\n  # {self.SECRET}\n".encode(), 0, "line 2 begins with #: it is no comment")
        self.assert_says("bearertokenauth", settings, f"{self.SECRET} of the first\n\nsecond\n".encode(), 0)
        self.assert_says("bearertokenauth", settings, None, 1, "No such file")
        self.assert_says("bearertokenauth", settings, b"\n \n", 1, "no token in it")
        self.assert_says("bearertokenauth", settings, f"first\n{self.SECRET}\x01x\n".encode(), 1, "line 2: a token has no control characters")

    def test_headers(self):
        settings = {"headers": [{"key": "x-key", "value_file": str(self.file)}]}
        self.assert_says("headers_setter", settings, self.SECRET.encode() + b"\r\n", 0)
        self.assert_says("headers_setter", settings, None, 1, "No such file")
        self.assert_says("headers_setter", settings, b"\n", 1, "is empty")
        self.assert_says("headers_setter", settings, f"{self.SECRET}\nsecond\n".encode(), 1, "line 2: the value of a header is one line")
        self.assert_says("headers_setter", settings, f"{self.SECRET}\x01".encode(), 1, "line 1: a control character")
