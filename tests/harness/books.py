"""The ledger held against the outside: what the client was told, what the sink got, and what weft says meanwhile."""

import dataclasses
import http.client
import threading
import time

from . import otlp
from .client import Outcome
from .ledger import Reader, from_document

SAMPLES_PER_SECOND = 100


class Auditor:
    """Asks for an audited snapshot a hundred times a second and keeps what disagreed."""

    def __init__(self, admin, may_be_down=False, signals=("traces",)):
        self.admin = admin
        self.signals = signals
        self.may_be_down = may_be_down
        self.sample_count = 0
        self.problems = []
        self._last_offered = dict.fromkeys(signals, 0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._stopping.set()
        self._thread.join(timeout=10)

    def _sample(self):
        reader = Reader(self.admin)
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                self._take(reader.document(is_audited=True))
            except (OSError, http.client.HTTPException) as error:
                reader.close()
                if not self.may_be_down and not self._stopping.is_set():
                    self.problems.append(f"the ledger could not be read: {error!r}")
            self._stopping.wait(max(0.0, 1 / SAMPLES_PER_SECOND - (time.monotonic() - started)))
        reader.close()

    def _take(self, document):
        self.sample_count += 1
        for signal in self.signals:
            ledger = from_document(document, signal)
            problems = ledger.disagreements()
            if ledger.offered < self._last_offered[signal]:
                problems.append(f"offered {signal} went back from {self._last_offered[signal]} to {ledger.offered}")
            self._last_offered[signal] = ledger.offered
            if len(self.problems) < 10:
                self.problems += problems


@dataclasses.dataclass
class Outside:
    """What client and sink know, counted without weft."""

    accepted: int  # the client saw OK
    lost: int  # the client saw no answer
    distinct: int  # different spans that a backend took
    missing: int  # the client saw OK, no backend took them
    strange: int  # a backend took them, the client never sent them or was refused
    rejected: int  # the backends' partial_success

    @classmethod
    def of(cls, load, backends):
        import grpc
        took = set()
        rejected = 0
        for backend in backends:
            for received in backend.requests:
                if received.method == load.method and received.answer.status == grpc.StatusCode.OK:
                    took.update(otlp.record_ids(received.body, load.method))
                    rejected += received.answer.rejected
        accepted = load.spans(Outcome.ACCEPTED)
        return cls(len(accepted), load.count(Outcome.LOST), len(took), len(accepted - took),
                   len(took - accepted - load.spans(Outcome.LOST)), rejected)


def disagreements(ledger, outside):
    """Lines for a person; empty when the ledger says what client and sink saw. Everything must have come to an end."""
    lines = ledger.disagreements()
    unconfirmed = sum(ledger.dropped.get(reason, 0) for reason in ("unconfirmed", "crash", "shutdown", "reload"))

    def expect(is_so, text):
        if not is_so:
            lines.append(f"{text}\n  {ledger}\n  {outside}")

    expect(ledger.waiting == 0, "something still waits")
    expect(outside.accepted <= ledger.accepted <= outside.accepted + outside.lost,
           "accepted is not what the client saw OK plus some of what it saw no answer for")
    expect(ledger.rejected >= outside.rejected, "fewer rejected than the backends' partial_success says")
    expect(ledger.sent <= outside.distinct - outside.rejected, "more sent than the sink has")
    expect(outside.distinct - outside.rejected <= ledger.sent + unconfirmed, "the sink has more than sent and unconfirmed")
    expect(outside.missing <= ledger.dropped_count + ledger.rejected, "spans are missing that no account names")
    expect(outside.strange == 0, "the sink has spans that were refused to the client")
    return lines
