"""Pages as mails: when they are due, who gets what of them, and what becomes of those that cannot
be made. A mail, its file and the page that it leads to are of one mark.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from pydantic import SecretStr

from tallybook.model.delivery import Delivery
from tallybook.model.errors import Unavailable
from tallybook.model.schedule import ReportSchedule
from tallybook.operations import _page_mail
from tests.outlets.peers import Got, Mailbox, post_office
from tests.serving import Answer, event
from tests.stories.alerting import Desk, watched

SITE = "https://usage.example.com"
PASSWORD = "a password for a test"
FAY, ANN, CORA, OTTO = (
    "fay@example.com",
    "ann@example.com",
    "cora@acme.example",
    "otto@other.example",
)
CHIEF = "chief@board.example"
SEVEN_IN_CHICAGO = "2026-03-02T13:00:00Z"
ROLES = {
    FAY: {"role": "finance"},
    ANN: {"role": "analyst"},
    CORA: {"role": "customer_admin", "account": "acme"},
    OTTO: {"role": "customer_admin", "account": "other"},
}


class House(Desk):
    """The desk with use that goes past what is covered, and people who look at pages."""

    def use(self, account: str, day: str, count: int) -> None:
        """Have an account use something, and wait until it is counted."""
        at = f"{day}T12:00:00Z"
        ids = [f"{account}-{day}-{n}" for n in range(count)]
        self.send([event(one, subject=account, time=at, type="copy") for one in ids])
        self.until_visible()
        assert self.call("POST", "/tick").status in {200, 204}

    def page(self, role: str = "admin", **asked: Any) -> Any:
        """Subscribe to a page, on weekday mornings in Chicago."""
        schedule = {"preset": "weekday_mornings", "timezone": "America/Chicago"}
        body = {"page": "/volume", "format": "csv", "schedule": schedule, **asked}
        answer = self.by(role, "POST", "/report-schedules", body)
        assert answer.status == 200, answer.body
        return answer.json

    def runs(self, schedule: Any, role: str = "admin") -> list[Any]:
        """Return what became of a subscription, oldest first."""
        answer = self.by(role, "GET", f"/report-schedules/{schedule['id']}/runs")
        assert answer.status == 200, answer.body
        found: list[Any] = answer.json["items"]
        return found[::-1]

    def seen(self, email: str, path: str) -> Answer:
        """Open a page as somebody does who has signed in."""
        self.put(f"/users/{email}", password=PASSWORD, **ROLES[email])
        form = urlencode({"email": email, "password": PASSWORD}).encode()
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        signed = self.ask("POST", "/sign-in", form, sent)
        cookie = signed.headers["set-cookie"].partition(";")[0]
        return self.ask("GET", path, None, {"Cookie": cookie})


@contextmanager
def house_of(folder: Path, office: Mailbox | None = None) -> Iterator[House]:
    sent = {
        "smtp_url": SecretStr(f"smtp://127.0.0.1:{office.port}") if office else None,
        "mail_from": "us@vendor.example",
        "site_url": SITE,
    }
    with watched(folder / "data", House, **sent) as house:
        house.agree("C-low", "30", covered="2")
        house.agree("C-fair", "48", covered="100", account="other")
        house.use("acme", "2026-03-01", 5)
        house.use("other", "2026-03-01", 7)
        yield house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_of(tmp_path) as opened:
        yield opened


def arrived(office: Mailbox, count: int) -> dict[str, Got]:
    """Wait until the server has so many mails, and return them by reader: each got one."""
    ends = time.monotonic() + 10
    while len(office.got) < count:
        assert time.monotonic() < ends, office.got
        time.sleep(0.01)
    found = {got.to[0]: got for got in office.got}
    assert len(found) == len(office.got) == count
    assert all(len(got.to) == 1 for got in office.got)
    return found


def file_of(message: EmailMessage) -> tuple[str, bytes]:
    """Return the one file of a mail: its name and bytes."""
    (part,) = message.iter_attachments()
    content = part.get_content()
    name = part.get_filename()
    assert name is not None
    return name, content.encode() if isinstance(content, str) else content


def words(message: EmailMessage) -> str:
    """Return all that a mail says in words, HTML too."""
    parts = (message.get_body((kind,)) for kind in ("plain", "html"))
    return "\n".join(str(part.get_content()) for part in parts if part is not None)


def rows(content: bytes) -> list[list[str]]:
    """Return the rows of a file without what it says about itself."""
    text = content.decode("utf-8-sig").splitlines()
    return [line.split(",") for line in text if not line.startswith("#")]


def column(content: bytes, name: str) -> list[str]:
    head, *rest = rows(content)
    return [row[head.index(name)] for row in rest]


def test_a_weekday_morning_brings_each_what_they_may_see(tmp_path: Path) -> None:
    with post_office() as office, house_of(tmp_path, office) as house:
        made = house.page(query="sort=used&dir=asc", recipients=[FAY, ANN, CORA, CHIEF])
        house.at("2026-03-02T12:59:00Z")
        assert house.runs(made) == []
        house.at(SEVEN_IN_CHICAGO)
        house.at("2026-03-02T13:01:00Z")
        got = arrived(office, 4)
        (run,) = house.runs(made)
        assert run["sent"] == [FAY, ANN, CORA, CHIEF]
        assert (run["missed"], run["error"], run["due_at"]) == ({}, None, SEVEN_IN_CHICAGO)
        mails = {mail["recipients"][0]: mail for mail in house.mails()}
        assert {mail["numbers"]["known_at"] for mail in mails.values()} == {run["known_at"]}
        house.use("acme", "2026-03-02", 3)  # what comes later changes nothing of what was sent
        for reader in (FAY, ANN, CORA):
            name, content = file_of(got[reader].message)
            assert name == "volume-2026-03-02.csv"
            link = mails[reader]["link"]
            assert parse_qs(urlsplit(link).query)["known_at"] == [run["known_at"]]
            path, _, query = link.partition("?")
            fetched = house.seen(reader, f"{path}/export?{query}&format=csv")
            assert fetched.body == content, reader
            shown = house.seen(reader, link)
            assert shown.status == 200
            assert "As known on 2 Mar 2026" in shown.body.decode()
            assert f'href="{SITE}{link.replace("&", "&amp;")}"' in words(got[reader].message)
            now = house.seen(reader, f"{path}/export?sort=used&dir=asc&format=csv").body
            assert rows(now) != rows(content), "the page has gone on"
        every = {who: file_of(one.message)[1] for who, one in got.items()}
        assert column(every[FAY], "used") == ["5", "7"]
        assert column(every[FAY], "overage_amount") == ["0.14", "0.00"]
        assert column(every[ANN], "overage_amount") == ["", ""]
        assert column(every[CHIEF], "overage_amount") == ["", ""]
        assert column(every[CHIEF], "contract") == ["C-low", "C-fair"]
        assert column(every[CORA], "contract") == ["C-low"]
        assert column(every[CORA], "overage_amount") == ["0.14"]
        for reader, is_priced in ((FAY, True), (ANN, False), (CORA, True), (CHIEF, False)):
            said = words(got[reader].message)
            assert ("0.14 USD" in said) == is_priced
            assert ("C-fair" in said) == (reader != CORA)
            assert "Zone: America/Chicago" in said
            assert "Data through: 2026-03-01 18:00 (America/Chicago)" in said
            assert "Sort: used" in said
            assert ("7 events" in said, "5 events" in said) == (reader != CORA, True)


def test_an_attempt_repeated_brings_the_same_bytes_and_then_they_are_forgotten(
    tmp_path: Path,
) -> None:
    with post_office(Mailbox(drops=1)) as office, house_of(tmp_path, office) as house:
        house.page(recipients=[FAY], format="xlsx")
        house.at(SEVEN_IN_CHICAGO)
        house.at("2026-03-02T13:05:00Z")
        ends = time.monotonic() + 10
        while len(office.got) < 2:
            assert time.monotonic() < ends
            time.sleep(0.01)
        first, second = office.got
        assert first.content == second.content
        assert file_of(first.message)[0] == "volume-2026-03-02.xlsx"
        house.at("2026-03-02T13:20:00Z")
        assert [mail["status"] for mail in house.mails()] == ["sent"]


def test_of_the_mornings_that_were_missed_the_last_one_is_made(house: House) -> None:
    made = house.page(recipients=[FAY])
    house.at("2026-03-08T09:30:00Z")  # a Sunday: Friday's is the last; clocks go forward that day
    house.at("2026-03-08T09:31:00Z")
    house.at("2026-03-09T11:59:00Z")
    assert [run["due_at"] for run in house.runs(made)] == ["2026-03-06T13:00:00Z"]
    house.at("2026-03-09T12:00:00Z")  # seven by the clock on the wall
    house.at("2026-03-06T14:00:00Z")  # a clock that is set back makes nothing again
    house.at("2026-03-10T12:00:00Z")
    assert [run["due_at"] for run in house.runs(made)][1:] == [
        "2026-03-09T12:00:00Z",
        "2026-03-10T12:00:00Z",
    ]
    assert len(house.mails()) == 3


def test_what_was_due_while_it_was_off_or_had_other_times_is_not_made_up_for(house: House) -> None:
    off = house.page(recipients=[FAY], enabled=False)
    other = house.page(recipients=[ANN], schedule={"preset": "monthly"})
    house.at("2026-03-04T15:00:00Z")
    for one, change in ((off, {"enabled": True}), (other, {"schedule": {"preset": "daily"}})):
        house.by("admin", "PATCH", f"/report-schedules/{one['id']}", change)
    house.at("2026-03-04T15:01:00Z")
    assert house.runs(off) == house.runs(other) == []
    house.at("2026-03-05T13:00:00Z")
    assert [len(house.runs(one)) for one in (off, other)] == [1, 1]
    assert house.by("admin", "DELETE", f"/report-schedules/{off['id']}").status == 204
    house.at("2026-03-06T13:00:00Z")
    assert sorted(mail["recipients"] for mail in house.mails()) == [[ANN], [ANN], [FAY]]


def test_who_may_not_see_it_gets_nothing_and_the_run_says_why(house: House) -> None:
    house.put("/users/sam@example.com", role="finance", state="suspended")
    asked = [CORA, OTTO, "sam@example.com", FAY]
    made = house.page(query="account=acme", recipients=asked)
    line = house.page(page="/volume/C-low/copies", recipients=[OTTO, CORA])
    house.at(SEVEN_IN_CHICAGO)
    (run,) = house.runs(made)
    assert run["sent"] == [CORA, FAY]
    assert run["missed"][OTTO].startswith("account_not_found: ")
    assert run["missed"]["sam@example.com"].startswith("reader_gone: ")
    (run,) = house.runs(line)
    assert (run["sent"], [*run["missed"]]) == ([CORA], [OTTO])
    assert run["missed"][OTTO].startswith("contract_not_found: ")
    house.put("/accounts/empty")
    house.put("/users/emma@empty.example", role="customer_viewer", account="empty")
    alone = house.page(recipients=["emma@empty.example"])
    house.at("2026-03-03T13:00:00Z")
    (run,) = house.runs(alone)
    assert run["missed"]["emma@empty.example"].startswith("nothing_to_see: ")


def test_an_address_of_nobody_is_sent_what_its_owner_may_send_it(house: House) -> None:
    asked = {"page": "/volume", "format": "csv", "recipients": [CHIEF, ANN]}
    made = house.sent("POST", "/report-schedules", asked, house.signed_in(FAY)).json
    house.at("2026-03-03T07:00:00Z")
    assert sorted(mail["recipients"] for mail in house.mails()) == [[ANN], [CHIEF]]
    house.put(f"/users/{FAY}", role="analyst", password=PASSWORD)
    house.at("2026-03-04T07:00:00Z")
    assert sorted(mail["recipients"] for mail in house.mails()) == [[ANN], [ANN], [CHIEF]]
    form = urlencode({"email": FAY, "password": PASSWORD}).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    cookie = house.ask("POST", "/sign-in", form, sent).headers["set-cookie"].partition(";")[0]
    target = f"/report-schedules/{made['id']}/runs"
    newest, _ = house.sent("GET", target, {}, {"Cookie": cookie}).json["items"]
    assert [(who, why[:22]) for who, why in newest["missed"].items()] == [
        (CHIEF, "recipient_not_allowed:")
    ]


def test_a_page_that_cannot_be_made_for_now_is_made_the_next_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner is suspended, its account is retired, the code is at fault: others are made."""
    owner = house.signed_in(FAY)
    body = {"page": "/volume", "recipients": [FAY]}
    made = house.sent("POST", "/report-schedules", body, owner).json
    house.put("/accounts/gone")
    narrowed = house.page(query="account=gone", recipients=[ANN])
    other = house.page(recipients=[CORA])
    house.put(f"/users/{FAY}", role="finance", state="suspended")
    assert house.call("DELETE", "/accounts/gone").status in {200, 204}
    house.at(SEVEN_IN_CHICAGO)
    assert [mail["recipients"] for mail in house.mails()] == [[CORA]]
    (run,) = house.runs(narrowed)
    assert run["sent"] == []
    assert str(run["error"]).startswith("account_not_found: ")
    assert house.runs(other)[0]["error"] is None
    house.put(f"/users/{FAY}", role="finance", password=PASSWORD)
    owner = house.signed_in(FAY)
    told = house.sent("GET", f"/report-schedules/{made['id']}/runs", {}, owner).json["items"]
    assert [one["error"].partition(":")[0] for one in told] == ["owner_gone"]

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("of ours")

    with monkeypatch.context() as patch:
        patch.setattr("tallybook.operations._page_letter.rows_of_lines", broken)
        house.at("2026-03-03T13:00:00Z")
        assert house.runs(other)[1]["missed"] == {CORA: "fault: ZeroDivisionError: of ours"}
    house.at("2026-03-04T13:00:00Z")
    assert house.runs(other)[2]["sent"] == [CORA]
    told = house.sent("GET", f"/report-schedules/{made['id']}/runs", {}, owner).json["items"]
    assert told[0]["sent"] == [FAY]


def test_a_store_that_does_not_answer_one_page_is_asked_for_the_others(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy = [house.page(page="/volume/C-low/copies", recipients=[who]) for who in (FAY, ANN, CORA)]
    other = house.page(recipients=[FAY])

    def silent(*_: object) -> None:
        raise Unavailable("events_unavailable", "This question is too much for the store.")

    with monkeypatch.context() as patch:
        patch.setattr("tallybook.operations._page_mail._days", silent)
        assert house.call("PUT", "/test-clock", {"now": SEVEN_IN_CHICAGO}).status == 503
        assert [mail["subscription"] for mail in house.mails()] == [other["id"]]
        assert [house.runs(one) for one in heavy] == [[], [], []]
    house.at("2026-03-02T13:01:00Z")
    assert [len(house.runs(one)) for one in (*heavy, other)] == [1, 1, 1, 1]


def test_a_mail_that_cannot_be_written_is_a_run_that_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = house.page(page="/volume/C-low/copies", recipients=[FAY])
    other = house.page(recipients=[FAY])

    def numbers(_: object, schedule: ReportSchedule, __: object) -> dict[str, Any]:
        return {"file": None, "odd": object()} if schedule.id == odd["id"] else {"file": None}

    monkeypatch.setattr("tallybook.operations._page_mail._numbers", numbers)
    house.at(SEVEN_IN_CHICAGO)
    house.at("2026-03-02T13:01:00Z")
    assert [mail["subscription"] for mail in house.mails()] == [other["id"]]
    (run,) = house.runs(odd)
    assert (run["sent"], run["missed"], run["error"][:7]) == ([], {}, "fault: ")


def test_whoever_is_not_told_any_more_gets_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are replaced while pages are made: of one that is made then, and of one after it."""
    for query in ("", "q=ac"):
        house.page(query=query, recipients=[FAY])
    change = {"from": FAY, "to": ANN, "dry_run": False}
    made = _page_mail.mail

    def replaced(*asked: Any) -> Delivery:
        with monkeypatch.context() as patch:
            patch.setattr("tallybook.operations.report.mail", made)
            house.call("POST", "/subscriptions/replace-address", change)
        return made(*asked)

    monkeypatch.setattr("tallybook.operations.report.mail", replaced)
    house.at(SEVEN_IN_CHICAGO)
    assert [mail["recipients"] for mail in house.mails()] == [[ANN]]
    house.at("2026-03-02T13:01:00Z")
    assert [mail["recipients"] for mail in house.mails()] == [[ANN], [ANN]]


@pytest.mark.parametrize("limit", ["ATTACHMENT_ROWS_MAX", "ATTACHMENT_BYTES_MAX", None])
def test_a_file_too_large_for_a_mail_is_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str | None
) -> None:
    """And so it is where there is no mail server, as nobody knows for how long it would be kept."""
    with post_office() as office, house_of(tmp_path, office if limit else None) as house:
        house.page(recipients=[FAY])
        if limit:
            monkeypatch.setattr(f"tallybook.operations._page_mail.{limit}", 1)
        house.at(SEVEN_IN_CHICAGO)
        (mail,) = house.mails()
        assert (mail["numbers"]["file"], mail["numbers"]["rows"]) == (None, 2)
        assert "a file that is fetched from the page" in mail["body"]
        assert "Data through: 2026-03-01 18:00" in mail["body"]
        link = mail["html"].partition('href="/volume/export?')[2].partition('"')[0]
        fetched = house.seen(FAY, f"/volume/export?{link.replace('&amp;', '&')}")
        assert sorted(column(fetched.body, "used")) == ["5", "7"]
        if limit:
            assert not [*arrived(office, 1)[FAY].message.iter_attachments()]


@pytest.mark.parametrize("page", ["/volume/C-low/copies", "/volume"])
@pytest.mark.parametrize("query", ["", "period=last", "rollup=own"])
def test_any_page_and_period_as_its_owner_fetches_it(tmp_path: Path, page: str, query: str) -> None:
    with post_office() as office, house_of(tmp_path, office) as house:
        house.use("acme", "2026-02-10", 4)
        house.page(page=page, query=query, recipients=[FAY], format="parquet")
        house.at(SEVEN_IN_CHICAGO)
        got = arrived(office, 1)[FAY]
        mail = house.mails()[-1]
        name, content = file_of(got.message)
        link = mail["link"].replace(page, f"{page}/export", 1)
        fetched = house.seen(FAY, f"{link}&format=parquet")
        assert fetched.headers["content-disposition"].endswith(f'"{name}"')
        assert fetched.body == content
        used = "4 events" if query == "period=last" else "5 events"
        assert used in words(got.message)
        assert house.seen(FAY, mail["link"]).status == 200


def test_counts_of_states_are_said_where_no_state_is_asked_for(house: House) -> None:
    """They count all lines: beside the figures of some they would be of others."""
    bodies = {}
    for state in ("", "over", "ok", "near"):
        house.page(query=f"status={state}" if state else "", recipients=[FAY])
    house.at(SEVEN_IN_CHICAGO)
    for mail in house.mails():
        bodies[mail["numbers"]["query"]] = mail["body"].partition("\n* ")[0]
    assert "Lines: 2\nOver: 1\nOk: 1\n" in bodies[""]
    for state, count in (("over", 1), ("ok", 1), ("near", 0)):
        said = bodies[f"status={state}"]
        assert f"Lines: {count}\n" in said
        assert not {"Over: 1", "Ok: 1"} & set(said.splitlines())


def test_use_without_an_allotment_is_not_said_to_be_of_one(house: House) -> None:
    free = [{"code": "copies", "meter": "copies"}]
    house.put("/contracts/C-free", account="acme-eu", start_date="2026-01-01", lines=free)
    house.use("acme-eu", "2026-03-01", 4)
    for query in ("", "status=no_allotment", "status=over"):
        house.page(query=query, recipients=[FAY])
    house.at(SEVEN_IN_CHICAGO)
    said = {mail["numbers"]["query"]: mail["body"] for mail in house.mails()}
    assert "In events: 12 used of 102; " in said[""]
    assert "; 0.14 USD for overage; 4 used more by 1 without an allotment\n" in said[""]
    assert "In events: 4 used; " in said["status=no_allotment"]
    assert "used of" not in said["status=no_allotment"]
    assert "In events: 5 used of 2; " in said["status=over"]
    assert "without an allotment" not in said["status=over"]


@pytest.mark.parametrize("attaches", [True, False])
def test_data_is_through_what_is_complete_for_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attaches: bool
) -> None:
    """Also for those that are further down than a mail shows."""
    monkeypatch.setattr("tallybook.operations._page_letter.ROWS_MAX", 1)
    with post_office() as office, house_of(tmp_path, office if attaches else None) as house:
        house.agree("C-west", "48", covered="1000", timezone="Pacific/Honolulu")
        for query in ("", "q=C-low", "period=last"):
            house.page(query=query, recipients=[FAY], schedule={"preset": "daily"})
        house.at("2026-03-02T07:00:00Z")
        said = {mail["numbers"]["query"]: mail["body"] for mail in house.mails()}
        assert "And 2 more.\n" in said[""]
        assert "Data through: 2026-03-01 10:00 (UTC)" in said[""]
        assert "Data through: 2026-03-02 00:00 (UTC)" in said["q=C-low"]
        assert "Data through: 2026-03-01 00:00 (UTC)" in said["period=last"]


def test_a_mail_of_a_line_names_what_its_figures_follow_and_nothing_of_its_charts(
    house: House,
) -> None:
    charts = "account=acme-eu&period=3m&from=2026-01-01&interval=month&group=account&by=day"
    made = house.page(page="/volume/C-low/copies", query=charts, recipients=[FAY])
    assert (made["query"], made["name"]) == ("", "C-low · copies")
    asked = "on=2026-02-10&forecast=linear&rollup=own&until=2026-02-28"
    other = house.page(page="/volume/C-low/copies", query=asked, recipients=[FAY])
    assert other["query"] == "forecast=linear&on=2026-02-10&rollup=own"
    house.at(SEVEN_IN_CHICAGO)
    said = {mail["numbers"]["query"]: mail["body"] for mail in house.mails()}
    assert "Filters: none\nZone: " in said[""]
    assert "\nForecast: linear\nOn: 2026-02-10\nRollup: own\nZone: " in said[other["query"]]


def test_a_day_that_is_not_over_says_so(house: House) -> None:
    house.page(page="/volume/C-low/copies", recipients=[FAY])
    house.at("2026-03-02T12:30:00Z")
    house.use("acme", "2026-03-02", 3)
    house.at(SEVEN_IN_CHICAGO)
    (mail,) = house.mails()
    assert "* 2026-03-02, so far\n  Used: 3 events\n" in mail["body"]
    assert "* 2026-03-01\n  Used: 5 events\n" in mail["body"]


def test_the_csm_of_a_contract_who_is_no_user_sees_its_amounts(house: House) -> None:
    csm = {"name": "Ned", "email": "ned@elsewhere.example"}
    house.agree("C-low", "30", covered="2", csm=csm)
    house.page(page="/volume/C-low/copies", recipients=["ned@elsewhere.example", CHIEF])
    house.at(SEVEN_IN_CHICAGO)
    said = {mail["recipients"][0]: mail["body"] for mail in house.mails()}
    assert "Overage amount: 0.14 USD" in said["ned@elsewhere.example"]
    assert "USD" not in said[CHIEF]


def test_the_pages_of_a_line_and_of_subscriptions_say_what_was(tmp_path: Path) -> None:
    with post_office() as office, house_of(tmp_path, office) as house:
        owner = house.signed_in(FAY)
        asked = {"page": "/volume/C-low/copies", "recipients": [FAY, "sam@example.com"]}
        house.put("/users/sam@example.com", role="finance", state="suspended")
        assert house.sent("POST", "/report-schedules", asked, owner).status == 200
        house.at("2026-03-03T07:00:00Z")
        (mail,) = house.mails()
        listed = house.ask("GET", "/subscriptions", None, owner).body.decode()
        assert f"Last on Tue 3 Mar, 07:00, to {FAY}" in listed
        assert "Not sent: sam@example.com: reader_gone" in listed
        shown = house.ask("GET", mail["link"], None, owner).body.decode()
        assert "As known on" in shown
        assert (
            "As known on" not in house.ask("GET", "/volume/C-low/copies", None, owner).body.decode()
        )
        outbox = house.ask("GET", f"/outbox/{mail['id']}", None, owner).body.decode()
        assert mail["numbers"]["file"] in outbox
        wrong = house.ask("GET", "/volume?known_at=m1.ffff.1.1", None, owner)
        assert wrong.status == 422


def test_ticks_at_once_make_one(house: House) -> None:
    made = [house.page(recipients=[FAY, CORA]), house.page(query="q=acme", recipients=[FAY])]
    with ThreadPoolExecutor(4) as pool:
        for day in range(2, 5):
            list(pool.map(house.at, [f"2026-03-0{day}T13:00:00Z"] * 4))
    assert len(house.mails()) == 3 * 3
    assert {len(house.runs(one)) for one in made} == {3}


def test_another_schedule_or_other_readers_are_another_subscription(house: House) -> None:
    one = house.page(recipients=[FAY])
    assert house.page(recipients=[FAY])["id"] == one["id"]
    others = [
        house.page(recipients=[FAY], schedule={"preset": "daily"}),
        house.page(recipients=[FAY], schedule={"preset": "weekday_mornings"}),
        house.page(recipients=[FAY, ANN]),
    ]
    assert len({one["id"], *(other["id"] for other in others)}) == 4


def test_an_address_is_replaced_in_pages_too(house: House) -> None:
    made = house.page("finance", recipients=[FAY, ANN])
    house.subscribed(recipients={"to": [FAY]})
    theirs = house.page("customer_admin", recipients=[CORA])
    change = {"from": FAY, "to": ANN}
    target = "/subscriptions/replace-address"
    dry = house.call("POST", target, change).json
    assert ([one["id"] for one in dry["pages"]], len(dry["items"])) == ([made["id"]], 1)
    assert house.by("finance", "GET", "/report-schedules").json["items"][0]["recipients"] == [
        FAY,
        ANN,
    ]
    done = house.call("POST", target, {**change, "dry_run": False}).json
    assert [one["recipients"] for one in done["pages"]] == [[ANN]]
    (kept,) = house.by("finance", "GET", "/report-schedules").json["items"]
    assert kept["recipients"] == [ANN]
    refused = house.by(
        "customer_admin", "POST", target, {"from": CORA, "to": OTTO, "dry_run": False}
    )
    assert (refused.status, refused.json["code"]) == (422, "recipient_unknown")
    (kept,) = house.by("customer_admin", "GET", "/report-schedules").json["items"]
    assert kept == theirs


def test_nobody_is_put_where_a_customer_may_not_send(house: House) -> None:
    """An administrator changes a page or a check of a customer's for them, not past them."""
    theirs = house.page("customer_admin", recipients=[CORA])
    told = {"check": "spend.threshold", "recipients": {"to": [CORA]}}
    check = house.by("customer_admin", "POST", "/subscriptions", told).json
    ours = house.subscribed(recipients={"to": [CORA]})
    target = "/subscriptions/replace-address"
    for new in ("nobody@acme.example", OTTO, CHIEF):
        refused = house.call("POST", target, {"from": CORA, "to": new, "dry_run": False})
        assert (refused.status, refused.json["code"]) == (422, "recipient_not_allowed")
        one = f"/subscriptions/{check['id']}"
        refused = house.call("PATCH", one, {"recipients": {"to": [new]}})
        assert (refused.status, refused.json["code"]) == (422, "recipient_not_allowed")
        assert house.get(one) == check
    assert house.call("PATCH", one, {"accounts": ["other"]}).status == 404
    assert house.get(f"/subscriptions/{ours['id']}") == ours
    assert house.by("customer_admin", "DELETE", one).status == 204
    refused = house.call("POST", target, {"from": CORA, "to": OTTO, "dry_run": False})
    assert (refused.status, refused.json["code"]) == (422, "recipient_unknown")
    house.put("/users/clara@acme.example", role="customer_viewer", account="acme")
    change = {"from": CORA, "to": "clara@acme.example", "dry_run": False}
    done = house.call("POST", target, change).json
    assert [one["id"] for one in done["pages"]] == [theirs["id"]]
    assert [one["id"] for one in done["items"]] == [ours["id"]]


@pytest.mark.parametrize("role", ["analyst", "customer_viewer"])
def test_who_has_pages_only_replaces_an_address_in_these(house: House, role: str) -> None:
    made = house.page(role, recipients=[CORA])
    checks = house.subscribed(recipients={"to": [CORA]})
    house.put("/users/clara@acme.example", role="customer_viewer", account="acme")
    change = {"from": CORA, "to": "clara@acme.example", "dry_run": False}
    done = house.by(role, "POST", "/subscriptions/replace-address", change)
    assert (done.status, done.json["items"]) == (200, [])
    assert [one["id"] for one in done.json["pages"]] == [made["id"]]
    (kept,) = house.by(role, "GET", "/report-schedules").json["items"]
    assert kept["recipients"] == ["clara@acme.example"]
    assert house.get(f"/subscriptions/{checks['id']}") == checks


def test_the_runs_of_another_are_not_there(house: House) -> None:
    made = house.page(recipients=[FAY])
    target = f"/report-schedules/{made['id']}/runs"
    for role in ("finance", "customer_admin"):
        answer = house.by(role, "GET", target)
        assert (answer.status, answer.json["code"]) == (404, "schedule_not_found")
    assert house.by("ingest", "GET", target).status == 403


def test_what_is_written_in_a_case_is_mailed_to_the_csm(tmp_path: Path) -> None:
    with post_office() as office, house_of(tmp_path, office) as house:
        case = {"contract": "C-low", "line": "copies", "text": "Is this right?"}
        opened = house.by("customer_admin", "POST", "/cases", case)
        assert opened.status == 201, opened.body
        assert house.call("POST", "/tick").status in {200, 204}
        got = arrived(office, 1)
        assert "Is this right?" in words(got["nadia@example.com"].message)
        assert json.loads(opened.body)["id"] in words(got["nadia@example.com"].message)
