"""What a config holds of secrets is in no error, no printed config and no log, where it is right and where it is wrong."""

import unittest

import yaml

from harness import asking
from harness.case import OutsideInCase, only_weft
from harness.places import program_under_test

SECRET = "gHp7QzX9aB3dE5gH7jK9mN1pQ3sTaB3dE5gH7jK9mN1p"

# (keys of the exporter, keys of the redaction)
CONFIGS = (
    ({"headers": {"authorization": f"Bearer {SECRET}"}}, {}),
    ({"headers": {"authorization": [SECRET]}}, {}),
    ({"headers": SECRET}, {}),
    ({"headers": [SECRET]}, {}),
    ({"endpoint": f"http://ann:{SECRET}@h:1"}, {}),
    ({"endpoint": f"ann:{SECRET}@h:1"}, {}),
    ({"tls": {"key_pem": SECRET}}, {}),
    ({"tls": {"key_pem": SECRET, "cert_pem": "x"}}, {}),
    ({"tls": {"key_pem": [SECRET]}}, {}),
    ({}, {"hmac_key": SECRET}),
    ({}, {"hmac_key": SECRET, "hash_function": "hmac-sha512"}),
    ({}, {"hmac_key": [SECRET]}),
    ({}, {"hmac_key": {"a": SECRET}}),
    ({}, {"token_key": SECRET}),
    ({}, {"token_key": SECRET[:20], "rules": [{"pattern": "a", "tokenize": True}]}),
    ({}, {"token_key": {SECRET: 1}}),
)

EXTENSIONS = (
    {"bearertokenauth": {"token": SECRET}},
    {"bearertokenauth": {"token": [SECRET]}},
    {"bearertokenauth": {"tokens": [SECRET]}},
    {"bearertokenauth": {"tokens": {"a": SECRET}}},
    {"bearertokenauth": {"token": SECRET, "scheme": ["x"]}},
    {"basicauth": {"client_auth": {"username": "ann", "password": SECRET}}},
    {"basicauth": {"client_auth": {"password": SECRET}}},
    {"basicauth": {"client_auth": {"username": "ann", "password": {"a": SECRET}}}},
    {"basicauth": {"htpasswd": {"inline": f"ann:{SECRET}"}}},
    {"basicauth": {"htpasswd": {"inline": SECRET}}},
    {"basicauth": {"htpasswd": {"inline": f"ann:$apr1${SECRET}"}}},
    {"headers_setter": {"headers": [{"action": "insert", "key": "x-key", "value": SECRET}]}},
    {"headers_setter": {"headers": [{"action": "insert", "key": "x-key", "value": SECRET, "from_context": "a"}]}},
    {"headers_setter": {"headers": [{"key": "x-key", "value": [SECRET]}]}},
    {"headers_setter": {"headers": [{"key": "x-key", "value": SECRET + "\n"}]}},
)


@only_weft("the Collector has other commands")
class ConfigSecrets(OutsideInCase):
    def config(self, exporter, redaction, kind, extensions=None):
        endpoint = "https://127.0.0.1:1/" if kind == "otlp_http" else "127.0.0.1:1"
        path = self.temporary_directory() + "/config.yaml"
        with open(path, "w", encoding="utf-8") as file:
            yaml.safe_dump({
                "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": "127.0.0.1:0"}}}},
                "processors": {"redaction": {"allow_all_keys": True, **redaction}},
                "exporters": {kind: {"endpoint": endpoint, **exporter}},
                "extensions": extensions or {},
                "service": {"extensions": list(extensions or {}), "pipelines": {"traces": {"receivers": ["otlp"], "processors": ["redaction"], "exporters": [kind]}}},
            }, file)
        return path

    def test_none_is_shown(self):
        for kind in ("otlp", "otlp_http"):
            for exporter, redaction in CONFIGS:
                path = self.config(exporter, redaction, kind)
                for command in ("validate", "print-config", "redact"):
                    with self.subTest(kind=kind, exporter=exporter, redaction=redaction, command=command):
                        self.check(command, path)

    def check(self, command, path):
        _, text, error = asking.command(program_under_test(), command, "--config", path)
        self.assertTrue(text + error or command == "redact")
        for part in (SECRET[:12], SECRET[8:20]):
            self.assertNotIn(part, text + error)

    def test_none_of_an_extension_is_shown(self):
        for extensions in EXTENSIONS:
            path = self.config({}, {}, "otlp", extensions)
            for command in ("validate", "print-config"):
                with self.subTest(extensions=extensions, command=command):
                    self.check(command, path)


if __name__ == "__main__":
    unittest.main()
