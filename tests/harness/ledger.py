"""The reader of /v1/ledger: the one place that knows the shape of its JSON."""

import dataclasses
import http.client
import json

_TOTALS = ("offered", "copied", "in_flight", "in_transit", "buffered", "queued", "spooled", "sent", "rejected",
           "handed_over", "refused", "uncopied")


@dataclasses.dataclass
class Ledger:
    """One snapshot of one signal: totals over all pipelines and owners; dropped is by reason."""

    offered: int = 0
    copied: int = 0
    in_flight: int = 0
    in_transit: int = 0
    buffered: int = 0
    queued: int = 0
    spooled: int = 0
    sent: int = 0
    rejected: int = 0
    handed_over: int = 0
    refused: int = 0
    uncopied: int = 0
    dropped: dict = dataclasses.field(default_factory=dict)
    audit: dict | None = None  # as it came; None when no audit was asked for

    @property
    def accepted(self):
        return self.offered - self.refused

    @property
    def dropped_count(self):
        return sum(self.dropped.values())

    @property
    def waiting(self):
        return self.in_flight + self.in_transit + self.buffered + self.queued + self.spooled

    def imbalance(self):
        """0 when offered + copied is the sum of all the rest."""
        ends = self.sent + self.rejected + self.handed_over + self.dropped_count + self.refused + self.uncopied
        return self.offered + self.copied - self.waiting - ends

    def disagreements(self):
        """What is wrong with this snapshot by its own word: lines for a person."""
        lines = []
        if self.imbalance() != 0:
            lines.append(f"the books are off by {self.imbalance()}: {self}")
        lines += [f"{name} is negative: {self}" for name in _TOTALS if getattr(self, name) < 0]
        if self.audit is not None and not audit_agrees(self.audit):
            lines.append(f"the audit disagrees: {json.dumps(self.audit)}")
        return lines


def audit_agrees(audit):
    return bool(audit.get("agrees"))


def from_document(document, signal="traces"):
    """The totals are added up here from the single accounts, not taken from weft's own sums."""
    ledger = Ledger(audit=document.get("audit"))
    for account in document["accounts"]:
        if account["signal"] != signal:
            continue
        kind, balance = account["account"], account["balance"]
        if kind == "dropped" and balance:
            ledger.dropped[account["reason"]] = ledger.dropped.get(account["reason"], 0) + balance
        elif kind != "dropped":
            setattr(ledger, kind, getattr(ledger, kind) + balance)
    return ledger


class Reader:
    """Asks again and again over one kept connection."""

    def __init__(self, admin, seconds=5.0):
        host, port = admin.rsplit(":", 1)
        self._connection = http.client.HTTPConnection(host, int(port), timeout=seconds)

    def document(self, is_audited=False):
        self._connection.request("GET", "/v1/ledger?format=json" + ("&audit=1" if is_audited else ""))
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 500):  # 500: the books or the audit disagree, and the body says how
            raise OSError(f"/v1/ledger answered {answer.status}: {body[:200]!r}")
        return json.loads(body)

    def close(self):
        self._connection.close()


def read_document(admin, is_audited=False):
    reader = Reader(admin)
    try:
        return reader.document(is_audited)
    finally:
        reader.close()


def read(admin, is_audited=False, signal="traces"):
    return from_document(read_document(admin, is_audited), signal)
