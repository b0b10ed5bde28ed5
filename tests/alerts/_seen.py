"""One installation for the tests of all checks: real stores and the real application on a loopback
port, at a fixed instant. No loop runs beside it: what came in is counted by `tick`, so that a test
can look while something still waits. Each test has an account of its own.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tallybook import app
from tallybook.alerts._check import check
from tallybook.model.scope import operator
from tallybook.operations.checks import sight
from tallybook.operations.known import known
from tallybook.operations.view import Sight
from tallybook.settings import Settings
from tallybook.web.listening import address_of, listen, server_of
from tallybook.web.services import Services
from tests.documented import Documented
from tests.serving import event

#: A Monday.
NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)
_METERS: dict[str, dict[str, Any]] = {
    "calls": {"event_type": "use", "aggregation": "sum", "property": "n", "unit": "calls"},
    "seats": {
        "event_type": "seat",
        "aggregation": "latest",
        "property": "n",
        "kind": "stock",
        "unit": "seats",
    },
}


class House(Documented):
    """The installation, asked over HTTP as its administrator."""

    def __init__(self, services: Services, port: int, key: str) -> None:
        """Define the meters and set the clock."""
        super().__init__(port, key)
        self.services = services
        self._numbers = count(1)
        self.at(NOW)
        for meter, document in _METERS.items():
            self.put(f"/meters/{meter}", **document)

    def at(self, now: datetime) -> None:
        """Set the clock and do all that is due."""
        assert self.call("PUT", "/test-clock", {"now": now.isoformat()}).status == 200

    def view(self, *accounts: str) -> Sight:
        """Return what checks look at, of some accounts or of all."""
        services, scope = self.services, operator("test")
        mark = known(scope, services.books, services.ledger, services.events, None, NOW)
        directory = services.directories.at(scope, mark.revision)
        return sight(scope, services.watched.sources, directory, mark, accounts)

    def desk(self) -> "Desk":
        """Return an account that nobody knows yet."""
        return Desk(self, f"a{next(self._numbers)}")


class Desk:
    """An account, what is agreed with it and used by it, and what checks find of it."""

    def __init__(self, house: House, account: str) -> None:
        """Define the account."""
        self.house = house
        self.account = account
        self._sent = count(1)
        house.put(f"/accounts/{account}")

    def agree(self, part: str = "", **terms: Any) -> str:
        """Agree on a contract, called as the account is and `part`; return its number."""
        number = self.account + part
        agreed = {"account": self.account, "start_date": "2026-01-01", **terms}
        self.house.put(f"/contracts/{number}", **agreed)
        return number

    def line(self, allotment: str | None = "1000", part: str = "", **more: Any) -> str:
        """Agree on one line that counts calls; what is beyond the allotment costs 1 each."""
        line: dict[str, Any] = {"code": "calls", "meter": "calls"}
        if allotment is not None:
            line["allotment"] = {"quantity": allotment}
        line["price"] = {"model": "per_unit", "unit_amount": "1"}
        return self.agree(part, **{"lines": [line], **more})

    def copies(self, base: str = "0", covered: str = "0", rate: str | None = None) -> str:
        """Agree on a base charge a month and on a group that covers something."""
        group: dict[str, Any] = {"name": "copies", "meters": ["calls"], "covered_quantity": covered}
        if rate is not None:
            group["overage_rate"] = rate
        charges = [{"name": "base", "amount": base}] if base != "0" else []
        return self.agree(base_charges=charges, meter_groups=[group])

    def use(self, day: str, quantity: int | str, **attributes: Any) -> None:
        """Send one event of a day, noon in UTC."""
        key = f"{self.account}-{next(self._sent)}"
        sent = {"subject": self.account, "time": f"{day}T12:00:00Z", "data": {"n": quantity}}
        assert self.house.send([event(key, **{**sent, **attributes})])["accepted"] == 1

    def tick(self) -> None:
        """Have all that was sent counted."""
        assert self.house.call("POST", "/tick").status == 200

    def close(self, *months: int, part: str = "") -> None:
        """Close the statements of some months of 2026."""
        self.tick()
        for month in months:
            body = {"period": f"2026-{month:02}-10"}
            target = f"/statements/{self.account}{part}/close"
            answer = self.house.call("POST", target, body)
            assert answer.status == 200, answer.body

    def preview(self, code: str, **values: Any) -> Any:
        """Ask what a check finds of the account and of its tree."""
        self.tick()
        return self._asked(code, values)

    def findings(self, code: str, **values: Any) -> list[Any]:
        """Return what a check finds, the dearest first; nothing is left unjudged."""
        preview = self.preview(code, **values)
        assert preview["cannot_evaluate"] == []
        found: list[Any] = preview["findings"]
        return found

    def of_branch(self, code: str, branch: str) -> list[Any]:
        """Return what a check finds of a branch, whosever it is."""
        self.tick()
        answer = self.house.call("POST", f"/checks/{code}/preview", {"branches": [branch]})
        found: list[Any] = answer.json["findings"]
        return found

    def states(self, code: str, **values: Any) -> dict[str, str]:
        """Return the state by entity, where ME is the account or a contract called as it is."""
        return {self.mine(f["entity"]): f["state"] for f in self.findings(code, **values)}

    def steps(self, code: str, **values: Any) -> list[str]:
        """Return the steps that were reached, in order."""
        return sorted((f["step"] for f in self.findings(code, **values)), key=lambda s: (len(s), s))

    def unjudged(self, code: str, **values: Any) -> dict[str, str]:
        """Return why entities cannot be judged."""
        preview = self.preview(code, **values)
        return {self.mine(one["entity"]): one["reason"] for one in preview["cannot_evaluate"]}

    def stale(self, code: str, **values: Any) -> dict[str, str]:
        """Return why entities cannot be judged, and that nothing is found, while what came in has
        waited for an hour.
        """
        self.tick()
        self.use("2026-04-20", 1, subject="nobody")
        clock = self.house.services.clock
        clock.set(clock.now() + timedelta(hours=1))
        try:
            preview = self._asked(code, values)
        finally:
            self.house.at(NOW)
        assert preview["findings"] == []
        return {self.mine(one["entity"]): one["reason"] for one in preview["cannot_evaluate"]}

    @contextmanager
    def on(self, now: datetime) -> Iterator[None]:
        """Move the clock for as long as the block runs."""
        self.house.at(now)
        try:
            yield
        finally:
            self.house.at(NOW)

    def mine(self, entity: str) -> str:
        """Return an entity with ME for the account's key."""
        return entity.replace(self.account, "ME")

    def refused(self, code: str, **values: Any) -> tuple[int, str, str | None]:
        """Return the status, code and field of a refusal."""
        answer = self._ask(code, values)
        return answer.status, answer.json["code"], answer.json.get("field")

    def _asked(self, code: str, values: dict[str, Any]) -> Any:
        answer = self._ask(code, values)
        assert answer.status == 200, answer.body
        for one in answer.json["findings"]:
            assert {*check(code).FINGERPRINT} <= {*one["inputs"]}
            columns = {column.key for column in check(code).COLUMNS}
            assert columns <= {*one["inputs"], *one["outputs"]}
        return answer.json

    def _ask(self, code: str, values: dict[str, Any]) -> Any:
        asked = {"accounts": [self.account], "values": values}
        return self.house.call("POST", f"/checks/{code}/preview", asked)


@contextmanager
def installed(folder: Path) -> Iterator[House]:
    """Serve the installation while the block runs."""
    settings = Settings(data=folder, test_clock=True)
    key = str(app.initialise(settings, "admin@example.com")["api_key"])
    installation = app.Installation(settings)
    try:
        with listen("127.0.0.1", 0) as listening:
            server = server_of(installation.services)
            serving = threading.Thread(target=server.run, args=([listening],))
            serving.start()
            try:
                url = address_of(listening, "").url
                yield House(installation.services, int(url.rpartition(":")[2]), key)
            finally:
                server.should_exit = True
                serving.join()
    finally:
        installation.close()
