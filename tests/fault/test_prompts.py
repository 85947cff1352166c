"""Prompts of a megabyte with personal data in them, as spans of GenAI carry them: nothing personal is at the backend, what
stands around it is, and a span takes bounded memory and time, also one that was written to take more."""

import base64
import json
import pathlib
import random
import re
import sys
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from attack_case import MIB, Meter, is_sanitized
from harness import config as configs
from harness import otlp
from harness.backend import Backend
from harness.case import OutsideInCase
from harness.client import Client, Outcome
from harness.places import is_stand_in
from harness.process import free_port, wait_until

BYTES = 1_000_000
ROUNDS = 6  # of each kind of prompt
MOST_MEMORY = 96 * MIB
LONGEST_TICK = 1.0  # seconds, of a loaded machine
DETECTORS = ["email", "credit_card", "iban", "jwt", "pem", "aws_key", "github_token", "slack_token", "stripe_key", "google_api_key",
             "openai_key", "anthropic_key", "runpod_key", "inngest_key", "bearer", "basic_auth", "url_password", "password_kv", "ipv4",
             "ipv6", "us_ssn", "phone"]
WORDS = "the model should answer in short sentences and say what it does not know about orders prices people and places".split()


PERSONAL = re.compile(rb"[a-z]{9}@example|\+49 30 [0-9]|AKIA[A-Z]{9}|ghp_[a-z]{9}|10\.[0-9]+\.[0-9]+\.7")


class Prompts:
    """Texts of a seed with something PERSONAL in them, and pieces of it that are encoded."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.encoded = []

    def secret(self):
        name = "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz", k=9))
        number = self.random.randrange(10 ** 8, 10 ** 9)
        return self.random.choice([f"{name}@example.com", f"+49 30 {number}", f"AKIA{name.upper()}ABCDEFG",
                                   f"ghp_{name}{number}{name}{number}", f"10.{number % 250}.{number % 240}.7"])

    def words(self, count):
        return " ".join(self.random.choices(WORDS, k=count))

    def conversation(self, every):
        """JSON as the conventions for GenAI have it, with something personal among so many words."""
        messages, size = [], 0
        while size < BYTES:
            text = f"{self.words(every)} {self.secret()} {self.words(every)}"
            messages.append({"role": "user", "parts": [{"type": "text", "content": text}]})
            size += len(text) + 70
        return json.dumps(messages)

    def plain(self):
        return self.conversation(40)

    def in_a_string(self):
        return json.dumps({"request": {"body": self.conversation(60)}})

    def dense(self):
        """More of it than a value may have to be written anew: all is hidden."""
        return json.dumps([{"content": " ".join(self.secret() for _ in range(BYTES // 25))}])

    def image(self):
        """An attachment in base64 beside the words: its bytes are no text, and stay."""
        data = base64.b64encode(self.random.randbytes(BYTES * 3 // 4)).decode()
        return json.dumps([{"content": f"{self.words(50)} {self.secret()}"}, {"image": f"data:image/png;base64,{data}"}])

    def attachment(self):
        """A text in base64: a secret anywhere hides the whole."""
        text = f"{self.words(60_000)} {self.secret()} {self.words(60_000)}"
        encoded = base64.b64encode(text.encode()).decode()
        self.encoded.append(encoded[400_000:400_060].encode())
        return json.dumps([{"file": encoded}])

    def nested(self):
        """Written to be decoded again and again."""
        return base64.b64encode(base64.b64encode(b"A" * (BYTES * 9 // 16))).decode()

    def percent(self):
        text = f"{self.words(1000)} {self.secret()} "
        return "".join(f"%{byte:02X}" for byte in (text * (BYTES // (3 * len(text)))).encode())


KINDS = [Prompts.plain, Prompts.in_a_string, Prompts.dense, Prompts.image, Prompts.attachment, Prompts.nested, Prompts.percent]


@unittest.skipIf(is_stand_in(), "it has no such redaction")
class GenAiPrompts(OutsideInCase):
    runs_alone = True

    def longest_tick(self):
        with urllib.request.urlopen(f"http://{self.program.admin}/metrics", timeout=10) as answer:
            return max(float(number) for number in re.findall(r"weft_loop_longest_tick_seconds\{.*\} (\S+)", answer.read().decode()))

    def test_personal_data_in_prompts_of_a_megabyte(self):
        sink, address = self.start(Backend()), f"127.0.0.1:{free_port()}"
        processors = {"redaction": {"allow_all_keys": True, "scope": "all", "detectors": DETECTORS, "summary": "info",
                                    "blocked_values": ["order-[0-9]+"]}}
        self.program = self.start_program(configs.pipeline(address, {"otlp": configs.otlp_exporter(sink.address)}, processors), [address])
        prompts = Prompts(20261129)
        with Meter(self.program.process.pid) as meter, Client(address) as client:
            sent = 0
            for _ in range(ROUNDS):
                for kind in KINDS:
                    values = {"gen_ai.operation.name": "chat", "gen_ai.input.messages": kind(prompts)}
                    span = otlp.span((sent + 1).to_bytes(16, "big"), otlp.numbered_span_id(sent), "chat", values=values)
                    self.assertEqual(client.export(otlp.request([span])).outcome, Outcome.ACCEPTED)
                    sent += 1
            self.assertTrue(wait_until(lambda: len(set(sink.confirmed_span_ids())) == sent, 60.0))
        bodies = sink.bodies(otlp.TRACES_METHOD)
        everything = b"".join(bodies)
        self.assertEqual(PERSONAL.findall(everything)[:3] + PERSONAL.findall(urllib.parse.unquote_to_bytes(everything))[:3], [])
        self.assertEqual([piece for piece in prompts.encoded if piece in everything], [])
        for index, kind in enumerate(KINDS):
            is_kept = kind in (Prompts.plain, Prompts.in_a_string, Prompts.image, Prompts.percent)
            with self.subTest(kind.__name__):
                self.assertEqual(len(bodies[index]) > BYTES // 2, is_kept, "what stands around is gone, or too much is left")
        tick = self.longest_tick()
        print(f"  {sent} prompts: memory +{meter.growth_bytes / MIB:.0f} MiB, longest tick {tick * 1e3:.0f} ms", flush=True)
        if not is_sanitized():
            self.assertLessEqual(meter.growth_bytes, MOST_MEMORY)
            self.assertLessEqual(tick, LONGEST_TICK)


if __name__ == "__main__":
    unittest.main()
