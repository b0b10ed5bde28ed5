"""Sends events to the API in batches, waits when told to, and counts what became of them."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from tallybook.cli._client import Client
from tallybook.model.errors import TallybookError

BATCH_EVENTS: Final = 5_000
BATCH_BYTES: Final = 4 * 1024 * 1024
#: How many rows at fault are told one by one; the rest is counted.
FAULTS_TOLD: Final = 100

_OUTCOMES: Final = ("accepted", "duplicate", "conflict", "rejected")
_encoder = msgspec.json.Encoder(decimal_format="number")


class Numbered(NamedTuple):
    """An event and the row it came from."""

    number: int
    event: dict[str, Any]


class Upload:
    """One import: what was sent and what came back."""

    def __init__(self, client: Client, told: Callable[[str], None]) -> None:
        """Send through a client; `told` takes each line about a row at fault."""
        self._client = client
        self._told = told
        self._wires: list[bytes] = []
        self._numbers: list[int] = []
        self._bytes = 0
        self._unknown: Counter[str] = Counter()
        self.counts = dict.fromkeys(("received", *_OUTCOMES), 0)
        self.ledger_seq: int | None = None
        self.faults: list[dict[str, Any]] = []
        self.faults_count = 0

    def add(self, item: Numbered) -> None:
        """Take an event; a full batch is sent."""
        try:
            wire = _encoder.encode(item.event)
        except (ValueError, TypeError, msgspec.MsgspecError) as e:
            self.refuse(item.number, "record_invalid", f"cannot be written as JSON: {e}")
            return
        if self._wires and (
            len(self._wires) == BATCH_EVENTS or self._bytes + len(wire) > BATCH_BYTES
        ):
            self.flush()
        self._wires.append(wire)
        self._numbers.append(item.number)
        self._bytes += len(wire)

    def refuse(self, number: int, code: str, detail: str, **facts: Any) -> None:
        """Count a row that cannot be sent."""
        self.counts["received"] += 1
        self.counts["rejected"] += 1
        self._fault(number, {"status": "rejected", "code": code, "detail": detail, **facts})

    def flush(self) -> None:
        """Send what is waiting."""
        if not self._wires:
            return
        receipt = patiently(
            lambda: self._client.send("/events", b"\n".join(self._wires), "application/x-ndjson")
        )
        for name in self.counts:
            self.counts[name] += receipt[name]
        self.ledger_seq = receipt["ledger_seq"]
        for result in receipt["results"]:
            if result["status"] in {"conflict", "rejected"}:
                self._fault(self._numbers[result["index"]], result)
        self._wires.clear()
        self._numbers.clear()
        self._bytes = 0

    def _fault(self, number: int, result: dict[str, Any]) -> None:
        self.faults_count += 1
        if self.faults_count > FAULTS_TOLD:
            return
        told = {name: result.get(name) for name in ("id", "status", "code", "detail")}
        self.faults.append({"row": number, **told})
        self._told(f"row {number}: {result.get('detail') or result['status']} ({result['code']})")


def patiently(send: Callable[[], Any], *, sleep: Callable[[int], None] = time.sleep) -> Any:
    """Send, and again for as long as the server says when; any other refusal is passed on."""
    while True:
        try:
            return send()
        except TallybookError as e:
            seconds = str(e.facts.get("retry_after", ""))
            if not seconds.isdecimal():
                raise
            sleep(min(int(seconds), 60))


def send_all(upload: Upload, items: Iterable[Numbered], step: Callable[[], None]) -> None:
    """Send every item; `step` is called now and then, to show how far it is."""
    for count, item in enumerate(items):
        upload.add(item)
        if count % 1000 == 0:
            step()
    upload.flush()
    step()
