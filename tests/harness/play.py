"""Plays the story (story.py) to a weft that runs with config/quickstart.yaml, and shows what became of it. Needs Debian's
python3-grpcio and nothing else of the tests."""

import argparse
import http.client
import json
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from harness import ledger, story
from harness.client import Client, Outcome
from harness.process import is_listening

POD_FILE = "pods/render_comfy-0_4f1c02ab-77aa/comfy/0.log"


class Player:
    def __init__(self, otlp_address, lines_address, folder):
        self.client = Client(otlp_address)
        self.lines_address = lines_address
        self.pod_file = pathlib.Path(folder) / POD_FILE
        self.pod_file.parent.mkdir(parents=True, exist_ok=True)

    def send(self, message):
        """Ends the program if weft refuses it."""
        if message.way == story.POD:
            with open(self.pod_file, "ab") as file:
                file.write(message.body)
        elif message.way == story.LINES:
            connection = http.client.HTTPConnection(self.lines_address, timeout=10)
            connection.request("POST", "/", message.body, {"Content-Type": "application/x-ndjson"})
            answer = connection.getresponse()
            if answer.status not in (200, 202, 204):
                sys.exit(f"{message.who}: refused with {answer.status}: {answer.read().decode()}")
            connection.close()
        else:
            reply = self.client.export(message.body)
            if reply.outcome is not Outcome.ACCEPTED:
                sys.exit(f"{message.who}: refused with {reply.code.name}: {reply.message}")


def wait_for(address, pid, seconds):
    deadline = time.monotonic() + seconds
    while not is_listening(address):
        if pid and not os.path.exists(f"/proc/{pid}"):
            sys.exit("weft ended before it listened; its own words are above")
        if time.monotonic() > deadline:
            sys.exit(f"nothing listens on {address} after {seconds} s")
        time.sleep(0.05)


# ---- what is shown ----

def headline(text):
    print(f"\n== {text}\n", flush=True)


class Weft:
    """The questions that an operator has."""

    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)

    def ask(self, *words):
        done = subprocess.run([self.program, *words, "--state-dir", self.folder], stdout=subprocess.PIPE, text=True)
        return done.stdout

    def show(self, *words):
        print("$ weft " + " ".join(words) + "\n")
        print(self.ask(*words), flush=True)

    def is_decided(self):
        document = json.loads(self.ask("ledger", "--json"))
        return all(ledger.from_document(document, signal).waiting == 0 for signal in ("traces", "logs"))


def wait_until_decided(weft, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not weft.is_decided() and time.monotonic() < deadline:
        time.sleep(0.2)


def show_masks(folder):
    """Where the two secrets were, as they left weft."""
    text = (pathlib.Path(folder) / "kept.json").read_text()
    for key in ("http.request.header.authorization", "token"):
        at = text.find(f'"key":"{key}"')
        print(f"  {text[at:text.find('}}', at) + 2]}")
    found = [secret for secret in (story.HEADER_SECRET, story.LINE_SECRET) if secret in text]
    print(f"  the secrets themselves in the whole file: {len(found)} times", flush=True)


def play(player):
    print("Fifty healthy jobs, and one that fails; this is what is sent for that one:\n", flush=True)
    sent = 0
    for message in story.morning(time.time_ns()):
        player.send(message)
        sent += message.count
        if message.what:
            kind = ("span" if message.way == story.OTLP else "line") + "s" * (message.count > 1)
            print(f"  {message.who:<20} {message.count} {kind:<5}  {message.what}", flush=True)
    print(f"\n{sent} spans and lines; weft holds them for two seconds, then it decides.", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--folder", required=True, help="its state directory, and what WEFT_STORY names")
    parser.add_argument("--otlp", default="127.0.0.1:4317")
    parser.add_argument("--lines", default="127.0.0.1:4319")
    parser.add_argument("--pid", type=int, help="the process that is expected to listen")
    options = parser.parse_args()
    for address in (options.otlp, options.lines):
        wait_for(address, options.pid, 10.0)
    weft = Weft(options.program, options.folder)
    play(Player(options.otlp, options.lines, options.folder))
    wait_until_decided(weft)
    headline("Where is job_789? One tree, though it is six traces, and lines without one")
    weft.show("trace", "job_789")
    headline("What was secret in it: a header of the API, and a token in a line")
    show_masks(options.folder)
    headline("And a healthy one?")
    weft.show("trace", "job_001")
    headline("What was dropped, and why")
    weft.show("drops")
    headline("Where every record is")
    weft.show("ledger")


if __name__ == "__main__":
    main()
