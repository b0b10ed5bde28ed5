"""Runs: when subscriptions are due, what is said again, and what each reader sees of it."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tallybook.model.check import Found
from tallybook.model.errors import Unavailable
from tallybook.operations.view import Sight
from tests.outlets.peers import Mailbox, post_office
from tests.serving import event
from tests.stories.alerting import RATIO, Desk, watched

FAY = "fay@example.com"
SPEND = "spend.threshold"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with watched(tmp_path / "data", Desk) as opened:
        yield opened


def runs(desk: Desk, subscription: Any) -> list[str]:
    """When a subscription was due that was run, oldest first."""
    items = desk.get(f"/subscriptions/{subscription['id']}/runs", limit=500)["items"]
    return [item["due_at"] for item in items][::-1]


def until(office: Mailbox, count: int) -> None:
    """Wait until the server has so many mails: they are sent beside what we ask."""
    ends = time.monotonic() + 10
    while len(office.got) < count:
        assert time.monotonic() < ends
        time.sleep(0.01)


def told(desk: Desk) -> dict[str, str]:
    """Who got what: the body of each mail by its readers; each has one."""
    mails = desk.mails()
    found = {
        " ".join([*mail["recipients"], *mail["cc"], *mail["bcc"]]): mail["body"] for mail in mails
    }
    assert len(found) == len(mails)
    return found


def test_a_rerun_says_nothing_an_edit_and_a_relapse_speak(tmp_path: Path) -> None:
    """The mails that a server took are those that were decided, and no others."""
    days = [
        ("02", "30", "1000", 1),
        ("03", "30", "1000", 1),  # nothing changed
        ("04", "30", "1100", 2),  # it covers more
        ("05", "30.00", "1100.0", 2),  # the same numbers
        ("06", "50", "1100", 2),  # it is in order
        ("07", "30", "1100", 3),  # and as it was before
    ]
    with post_office() as office:
        sent = {"smtp_url": SecretStr(f"smtp://127.0.0.1:{office.port}"), "mail_from": "us@x.yz"}
        with watched(tmp_path / "data", Desk, **sent) as desk:
            made = desk.subscribed()
            for day, base, covered, count in days:
                desk.agree("C-low", base, covered, branch="north")
                desk.at(f"2026-03-{day}T07:00:00Z")
                until(office, count)
            mails = desk.mails()
            listed = desk.get(f"/subscriptions/{made['id']}/runs")["items"][::-1]
    assert office.ids == [f"<{mail['id']}@x.yz>" for mail in mails]
    assert [got.to for got in office.got] == [(FAY,)] * 3
    assert ["37.5 % less" in mail["body"] for mail in mails] == [True, False, False]
    assert [(run["found"], run["said"], run["resolved"]) for run in listed] == [
        (1, 1, 0),
        (1, 0, 0),
        (1, 1, 0),
        (1, 0, 0),
        (0, 0, 1),
        (1, 1, 0),
    ]
    assert {(run["kind"], run["evaluated"], run["error"]) for run in listed} == {
        ("standard", 2, None)
    }


def test_an_end_that_was_moved_is_told_again(desk: Desk) -> None:
    desk.subscribed(check="contract.expiring")
    for end in ("2026-05-31", "2027-05-31"):
        desk.agree("C-end", "48", end_date=end)
        for day in ("04", "05"):
            desk.at(f"{end[:4]}-03-{day}T07:00:00Z")
    assert [one["created_at"][:10] for one in desk.mails()] == ["2026-03-04", "2027-03-04"]


def test_what_happens_after_the_last_run_of_a_period_is_told_in_the_next(desk: Desk) -> None:
    desk.put("/meters/use", event_type="use", aggregation="sum", property="n")
    line = {"code": "u", "meter": "use", "allotment": {"quantity": "100"}}
    price = {"model": "per_unit", "unit_amount": "1"}
    day = {**line, "code": "d", "allotment": {"quantity": "100", "cycle_unit": "day"}}
    desk.agree("C-on", "48", lines=[{**line, "price": price}, {**day, "price": price}])
    desk.agree(
        "C-gone", "48", account="other", lines=[{**line, "price": price}], end_date="2026-03-31"
    )
    checks = ("allotment.threshold", "overage.started", SPEND)
    made = {code: desk.subscribed(check=code)["id"] for code in checks}
    desk.call("PATCH", f"/subscriptions/{made[SPEND]}", {"values": {"amounts": ["60"]}})

    def use(account: str, time: str, quantity: int) -> None:
        sent = event(
            f"{account}{time}", subject=account, type="use", time=time, data={"n": quantity}
        )
        assert desk.send([sent])["accepted"] == 1

    desk.at("2026-03-31T22:00:00Z")
    use("acme", "2026-03-29T21:00:00Z", 60)
    use("acme", "2026-03-31T21:00:00Z", 60)
    use("other", "2026-03-31T21:00:00Z", 120)
    desk.at("2026-04-01T07:00:00Z")
    before = len(desk.mails())
    use("acme", "2026-03-31T23:30:00Z", 60)  # it comes in late
    for morning in ("02", "03", "04"):
        desk.at(f"2026-04-{morning}T07:00:00Z")
    told = [
        (mail["created_at"][8:10], sorted(re.findall(r"^\* (\S+)", mail["body"], re.MULTILINE)))
        for mail in desk.mails()
        if mail["subscription"] == made["allotment.threshold"]
    ]
    assert told == [("01", ["C-gone/u", "C-on/d", "C-on/u"]), ("02", ["C-on/d"])]
    assert before == 3
    assert "20 events beyond what is included, through 2026-03-31." in "".join(
        mail["body"] for mail in desk.mails()
    )
    assert desk.get("/findings")["items"] == []  # what was, is over


def thresholds(desk: Desk, **more: Any) -> dict[str, str]:
    """Subscribe to what may be crossed in the last hours of a period; the ids by check."""
    desk.put("/meters/use", event_type="use", aggregation="sum", property="n")
    price = {"model": "per_unit", "unit_amount": "1"}
    line = {"code": "u", "meter": "use", "allotment": {"quantity": "100"}, "price": price}
    desk.agree("C-on", "48", lines=[line], **more)
    made = {code: desk.subscribed(check=code)["id"] for code in ("overage.started", SPEND)}
    desk.call("PATCH", f"/subscriptions/{made[SPEND]}", {"values": {"amounts": ["60"]}})
    return made


def use(desk: Desk, time: str, quantity: int, account: str = "acme") -> None:
    """Send one event of use."""
    sent = {"subject": account, "type": "use", "time": time, "data": {"n": quantity}}
    assert desk.send([event(f"{account}{time}", **sent)])["accepted"] == 1


def test_what_came_in_after_closing_is_told_of_the_closed_statement_only(desk: Desk) -> None:
    made = thresholds(desk)
    desk.at("2026-03-31T22:00:00Z")
    use(desk, "2026-03-31T21:00:00Z", 120)
    desk.at("2026-04-01T06:00:00Z")
    body = {"period": "2026-03-10"}
    assert desk.call("POST", "/statements/C-on/close", body).json["total"] == "68.00"
    use(desk, "2026-03-31T23:30:00Z", 300)
    desk.at("2026-04-01T07:00:00Z")
    mails = {mail["subscription"]: mail["body"] for mail in desk.mails()}
    assert (
        "20 events beyond what is included, through 2026-03-31." in mails[made["overage.started"]]
    )
    assert "Amount: 20.00 USD" in mails[made["overage.started"]]
    assert "Through 2026-03-31 the spend has reached a set amount for C-on." in mails[made[SPEND]]
    assert "Spent: 68.00 USD" in mails[made[SPEND]]
    desk.at("2026-04-02T07:00:00Z")
    assert len(desk.mails()) == 2


def test_what_was_crossed_while_runs_could_not_judge_is_told_once_one_can(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = thresholds(desk)
    desk.at("2026-03-31T22:00:00Z")
    use(desk, "2026-03-31T21:00:00Z", 120)
    with monkeypatch.context() as patched:
        patched.setattr(Sight, "stale", "data_stale")
        desk.at("2026-04-01T07:00:00Z")
        desk.at("2026-04-02T07:00:00Z")
    with monkeypatch.context() as patched:
        patched.setattr(Sight, "running", None)
        patched.setattr(Sight, "positions", None)
        desk.at("2026-04-03T07:00:00Z")
    desk.call("POST", f"/subscriptions/{made[SPEND]}/runs?kind=test")
    assert desk.mails() == []
    desk.at("2026-04-04T07:00:00Z")
    assert ["hrough 2026-03-31" in mail["body"] for mail in desk.mails()] == [True] * 2
    desk.at("2026-04-05T07:00:00Z")
    assert len(desk.mails()) == 2


def test_what_was_crossed_while_it_was_off_is_not_made_up_for(desk: Desk) -> None:
    made = thresholds(desk)
    desk.at("2026-03-20T12:00:00Z")
    for one in made.values():
        assert desk.call("PATCH", f"/subscriptions/{one}", {"enabled": False}).status == 200
    desk.at("2026-03-31T22:00:00Z")
    use(desk, "2026-03-31T21:00:00Z", 120)
    desk.at("2026-04-10T12:00:00Z")
    for one in made.values():
        assert desk.call("PATCH", f"/subscriptions/{one}", {"enabled": True}).status == 200
    desk.at("2026-04-11T07:00:00Z")
    assert runs(desk, {"id": made[SPEND]})[-1] == "2026-04-11T07:00:00Z"
    assert desk.mails() == []


def test_a_pool_is_one_by_the_terms_of_the_cycle_that_is_over(desk: Desk) -> None:
    line = {"code": "u", "meter": "use", "allotment": {"quantity": "100"}}
    term = {**line, "allotment": {"quantity": "100", "cycle_unit": "term"}}
    desk.put("/meters/use", event_type="use", aggregation="sum", property="n")
    ends: dict[str, Any] = {"end_date": "2026-03-31", "base_charges": [], "meter_groups": []}
    desk.agree("C-gone", "0", account="other", lines=[line], pooling="parent_pool", **ends)
    desk.agree("C-term", "0", account="other", lines=[term], **ends)
    group = {"name": "g", "meters": ["use"], "counts_to_expiration": True}
    drawn: dict[str, Any] = {**ends, "meter_groups": [group], "expiration_quantity": "125"}
    desk.agree("C-drawn", "0", account="other", **drawn)
    desk.agree("C-was", "0", lines=[line], pooling="parent_pool")
    desk.agree("C-was", "0", lines=[line], valid_from="2026-04-01")
    desk.agree("C-will", "0", lines=[line])
    desk.agree("C-will", "0", lines=[line], pooling="parent_pool", valid_from="2026-04-01")
    pools, terms = (desk.subscribed(check=c) for c in ("pool.share", "prepaid.drawdown"))
    desk.at("2026-03-31T22:00:00Z")
    for account in ("acme", "other"):
        use(desk, "2026-03-31T21:00:00Z", 120, account)
    desk.at("2026-04-01T07:00:00Z")
    told = {
        mail["subscription"]: sorted(re.findall(r"^\* (\S+)", mail["body"], re.MULTILINE))
        for mail in desk.mails()
    }
    assert told == {pools["id"]: ["C-gone/u", "C-was/u"], terms["id"]: ["C-drawn", "C-term/u"]}


def test_of_the_times_that_were_missed_the_last_one_is_run(desk: Desk) -> None:
    made = desk.subscribed()
    desk.at("2026-03-02T06:59:00Z")
    assert runs(desk, made) == []
    desk.at("2026-03-06T09:30:00Z")
    desk.at("2026-03-06T09:31:00Z")
    desk.at("2026-03-02T08:00:00Z")  # a clock that is set back decides nothing again
    desk.at("2026-03-07T07:00:00Z")
    assert runs(desk, made) == ["2026-03-06T07:00:00Z", "2026-03-07T07:00:00Z"]


def test_what_was_due_while_it_was_off_or_snoozed_is_not_made_up_for(desk: Desk) -> None:
    off = desk.subscribed(enabled=False)
    snoozed = desk.subscribed(snooze_until="2026-03-04T12:00:00Z")
    woken = desk.subscribed(snooze_until="2026-03-08T00:00:00Z")
    weekly = desk.subscribed(schedule={"preset": "weekly"})
    desk.at("2026-03-04T15:00:00Z")
    desk.call("PATCH", f"/subscriptions/{woken['id']}", {"snooze_until": None})
    desk.call("PATCH", f"/subscriptions/{off['id']}", {"enabled": True})
    daily = {"schedule": {"preset": "daily"}}
    desk.call("PATCH", f"/subscriptions/{weekly['id']}", daily)
    desk.at("2026-03-04T16:00:00Z")
    assert runs(desk, off) == runs(desk, snoozed) == runs(desk, woken) == []
    assert runs(desk, weekly) == ["2026-03-02T07:00:00Z"]
    desk.at("2026-03-05T07:00:00Z")
    for one in (off, snoozed, woken):
        assert runs(desk, one) == ["2026-03-05T07:00:00Z"]
    assert runs(desk, weekly)[1:] == ["2026-03-05T07:00:00Z"]


def test_a_run_by_hand(desk: Desk) -> None:
    made = desk.subscribed()
    target = f"/subscriptions/{made['id']}/runs"
    dry = desk.call("POST", f"{target}?dry_run=true").json
    assert ([one["entity"] for one in dry["said"]], dry["run"]["said"]) == (["C-low"], 1)
    assert dry["deliveries"][0]["recipients"] == [FAY]
    assert (desk.mails(), runs(desk, made), desk.get("/findings")["items"]) == ([], [], [])
    test = desk.call("POST", f"{target}?kind=test").json
    assert (len(test["said"]), desk.get("/findings")["items"]) == (1, [])
    assert desk.call("POST", target).json["run"]["said"] == 1
    assert desk.call("POST", target).json["run"]["said"] == 0
    assert desk.call("POST", f"{target}?kind=full").json["run"]["said"] == 1
    assert len(desk.mails()) == 2
    assert len(runs(desk, made)) == 4


def test_a_test_goes_to_its_owner_and_leaves_nothing(desk: Desk) -> None:
    fay = desk.signed_in(FAY)
    body = {
        "check": RATIO,
        "mode": "test",
        "schedule": {"preset": "daily"},
        "recipients": {"to": ["nadia@example.com"]},
    }
    answer = desk.sent("POST", "/subscriptions", body, fay)
    assert (answer.status, answer.json["owner"]) == (201, FAY)
    nobody = desk.subscribed(mode="test")  # a key is nobody to write to
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert (mail["recipients"], mail["subject"][:7]) == ([FAY], "[Test] ")
    assert (mail["link"], desk.get("/findings")["items"]) == (f"/alerts/{RATIO}", [])
    assert len(runs(desk, nobody)) == 1
    target = f"/subscriptions/{answer.json['id']}"
    assert desk.sent("PATCH", target, {"mode": "live"}, fay).status == 200
    desk.at("2026-03-03T07:00:00Z")
    assert list(told(desk)) == [FAY, "nadia@example.com"]


def test_each_mail_shows_what_its_reader_may_see(desk: Desk) -> None:
    desk.agree("C-other", "30", account="other", branch="south")
    desk.subscribed(
        check=SPEND,
        values={"amounts": ["20"]},
        recipients={
            "to": [FAY, "box@example.com", "nadia@example.com"],
            "cc": ["ann@example.com"],
            "users": ["cora@acme.example", "otto@other.example"],
        },
    )
    desk.at("2026-03-02T07:00:00Z")
    mails = told(desk)
    assert set(mails) == {
        f"{FAY} nadia@example.com",
        "box@example.com ann@example.com",
        "cora@acme.example",
        "otto@other.example",
    }
    priced = mails[f"{FAY} nadia@example.com"]
    assert "Spent: 30.00 USD" in priced
    assert "Amounts: 20" in priced
    blind = mails["box@example.com ann@example.com"]
    assert "C-other" in blind
    assert "30.00" not in blind
    assert "Amounts" not in blind
    assert "C-other" not in mails["cora@acme.example"]
    assert "C-low" not in mails["otto@other.example"]
    html = next(m["html"] for m in desk.mails() if m["recipients"] == ["otto@other.example"])
    assert "C-other" in html
    assert "C-low" not in html


def test_who_is_told_by_what_they_are(desk: Desk) -> None:
    desk.agree("C-rep", "30", account="other", branch="south",
               sales_rep={"name": "Rhea", "email": "Rhea@example.com"})  # fmt: skip
    desk.put("/users/north@example.com", role="finance", branches=["north"])
    desk.put("/users/gone@example.com", role="finance", state="suspended")
    desk.subscribed(recipients={"roles": ["finance"], "csm": True, "sales_rep": True})
    desk.at("2026-03-02T07:00:00Z")
    mails = told(desk)
    assert set(mails) == {f"{FAY} nadia@example.com", "north@example.com", "rhea@example.com"}
    assert "C-rep" not in mails["north@example.com"]
    assert "C-low" not in mails["rhea@example.com"]
    assert "30.00 USD" in mails["rhea@example.com"]  # of their own contract


def test_the_people_of_a_contract_see_its_amounts_though_they_are_no_users(desk: Desk) -> None:
    desk.agree("C-own", "30", account="other", csm={"name": "Cid", "email": "Cid@example.com"})
    desk.subscribed(recipients={"to": ["cid@example.com", "box@example.com"]})
    desk.at("2026-03-02T07:00:00Z")
    mails = told(desk)
    amounts = {reader: body.count("30.00 USD") for reader, body in mails.items()}
    assert amounts == {"cid@example.com": 1, "box@example.com": 0}
    assert {body.count("* C-") for body in mails.values()} == {2}


def test_what_nobody_would_hear_of_goes_to_the_owner_or_the_administrators(desk: Desk) -> None:
    rep = {"name": "Rhea", "email": "rhea@example.com"}
    desk.agree("C-rep", "40", covered="2000", sales_rep=rep)
    fay, asked = desk.signed_in(FAY), {"sales_rep": True}
    body = {"check": RATIO, "schedule": {"preset": "daily"}, "recipients": asked}
    assert desk.sent("POST", "/subscriptions", body, fay).status == 201
    desk.subscribed(recipients=asked)  # by a key, which has no address
    customers = {"to": ["cora@acme.example"]}
    desk.keys["parent_admin"] = desk.key_of("parent_admin", "acme")
    desk.subscribed("parent_admin", check=SPEND, values={"amounts": ["20"]}, recipients=customers)
    desk.put("/users/cora@acme.example", role="customer_admin", account="acme", state="suspended")
    desk.at("2026-03-02T07:00:00Z")
    found = sorted((*mail["recipients"], mail["body"].count("* C-low")) for mail in desk.mails())
    assert found == [
        ("admin@example.com", 1),
        (FAY, 1),
        ("rhea@example.com", 0),
        ("rhea@example.com", 0),
    ]


def test_a_customers_mail_names_no_other_customer(desk: Desk) -> None:
    asked: dict[str, Any] = {"check": SPEND, "values": {"amounts": ["20"]}}
    asked["split_by"] = "recipient"
    to = {"to": [FAY, "cora@acme.example", "otto@other.example"]}
    desk.subscribed(**asked, accounts=["acme", "other"], branches=["north"], recipients=to)
    desk.subscribed(**asked, accounts=["acme-eu", "acme"], recipients={"to": ["eve@acme.example"]})
    desk.put("/users/eve@acme.example", role="customer_admin", account="acme-eu")
    desk.agree("C-eu", "30", account="acme-eu")
    desk.at("2026-03-02T07:00:00Z")
    mails = told(desk)
    whole = ("Accounts: acme, other", "Branches: north", "Contracts looked at: 1")
    assert [line in mails[FAY] for line in whole] == [True] * 3
    cora, eve = mails["cora@acme.example"], mails["eve@acme.example"]
    assert "Accounts: acme\n" in cora
    assert "Accounts: acme-eu\n" in eve
    for line in ("other", "Branches", "looked at", "C-fair"):
        assert line not in cora + eve
    assert "otto@other.example" not in mails  # nothing of theirs is in the north


def test_a_webhook_is_told_of_each_finding_by_itself(desk: Desk) -> None:
    hook = desk.call("POST", "/webhooks", {"name": "Ours", "url": "https://example.com/in"}).json
    desk.agree("C-south", "20", account="other", branch="south")
    made = desk.subscribed(recipients={"webhooks": [hook["id"]]})
    for day, base in (("02", "20"), ("03", "10")):
        desk.agree("C-south", base, account="other", branch="south")
        desk.at(f"2026-03-{day}T07:00:00Z")
    posts = desk.mails()
    assert {(post["channel"], post["target"]) for post in posts} == {("webhook", hook["id"])}
    assert {post["subscription"] for post in posts} == {made["id"]}
    found = [post["numbers"] for post in posts]
    assert {(one["entity"], one["reason"], one["money_at_risk"]) for one in found} == {
        ("C-south", "found", "28"),
        ("C-low", "found", "18"),
        ("C-south", "changed", "38"),
    }
    assert [post["link"] for post in posts] == [f"/findings/{one['id']}" for one in found]
    orders = {(one["entity"], post["sequence_of"]) for one, post in zip(found, posts, strict=True)}
    assert len(orders) == len({order for _, order in orders}) == 2
    numbered = {name: [p["sequence"] for p in found if p["entity"] == name] for name, _ in orders}
    assert numbered == {"C-south": [1, 2], "C-low": [1]}


def test_mails_are_split_by_branch_or_by_reader(desk: Desk) -> None:
    desk.agree("C-south", "30", account="other", branch="south")
    both = {"to": [FAY], "cc": ["nadia@example.com"]}
    by_branch = desk.subscribed(split_by="branch", recipients=both)
    by_reader = desk.subscribed(split_by="recipient", recipients=both)
    desk.at("2026-03-02T07:00:00Z")
    mails = desk.mails()
    first = [mail for mail in mails if mail["subscription"] == by_branch["id"]]
    assert sorted(("C-low" in m["body"], "C-south" in m["body"]) for m in first) == [
        (False, True),
        (True, False),
    ]
    assert {(*m["recipients"], *m["cc"]) for m in first} == {(FAY, "nadia@example.com")}
    second = [mail for mail in mails if mail["subscription"] == by_reader["id"]]
    assert sorted((m["recipients"], m["cc"]) for m in second) == [
        ([], ["nadia@example.com"]),
        ([FAY], []),
    ]


def test_a_digest_is_one_mail_of_several_checks(desk: Desk) -> None:
    one = desk.subscribed(digest="Mornings")
    other = desk.subscribed(digest="Mornings", check=SPEND, values={"amounts": ["20"]})
    apart = desk.subscribed(digest="Mornings", schedule={"preset": "monthly"})
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert mail["subject"] == "Mornings: 3 findings"
    assert "BASE RATE AGAINST COVERAGE" in mail["body"]
    assert "SPEND REACHED" in mail["body"]
    assert runs(desk, one) == runs(desk, other) == ["2026-03-02T07:00:00Z"]
    assert runs(desk, apart) == []
    assert {item["subscription"] for item in desk.get("/findings")["items"]} == {
        one["id"],
        other["id"],
    }
    desk.at("2026-03-03T07:00:00Z")
    assert len(desk.mails()) == 1


def test_an_empty_run_sends_nothing_unless_that_is_wanted(desk: Desk) -> None:
    desk.agree("C-low", "48", branch="north")
    desk.subscribed()
    wanted = desk.subscribed(sends_empty=True)
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert mail["subscription"] == wanted["id"]
    assert "Nothing was found" in mail["body"]


def test_a_mail_says_why_it_came_and_what_it_rests_on(desk: Desk) -> None:
    desk.agree("C-odd", "0", branch="<b>north</b>", base_charges=[])
    desk.subscribed(
        values={"low": "0.7"},
        branches=["north", "<b>north</b>"],
        accounts=["acme"],
        subject="Rates",
        schedule={"cron": "0 8 * * *", "timezone": "Europe/Berlin"},
    )
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert (mail["subject"], mail["account"]) == ("Rates", "")
    for said in (
        "* C-low (acme): new",
        "Base a month: 30.00 USD",
        "Ratio: 0.625",
        "Variance: 37.5 %",
        "Ratio below: 0.7",
        "Ratio above: 1.33",
        "Accounts: acme",
        "Branches: north, <b>north</b>",
        "0 8 * * * (Europe/Berlin)",
        "told once, and again when",
        "As of: 2026-03-02 08:00 (Europe/Berlin)",
        "Data through: 2026-03-02 00:00 (Europe/Berlin)",
    ):
        assert said in mail["body"], mail["body"]
    assert "&lt;b&gt;north" in mail["html"]
    assert "<b>" not in mail["html"]
    assert f'href="{mail["link"]}"' in mail["html"]


def test_a_price_of_one_unit_has_all_its_digits(desk: Desk) -> None:
    group = {"name": "copies", "meters": ["copies"], "overage_method": "allow_with_credit"}
    rates = {"overage_rate": "0.016", "credit_rate": "0.0180"}
    desk.agree("C-credit", "30", meter_groups=[{**group, **rates, "covered_quantity": "1"}])
    desk.subscribed(check="rate.credit_mismatch")
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    for said in ("Credit rate: 0.018 USD", "Overage rate: 0.016 USD"):
        assert said in mail["body"]
    assert ">0.018 USD<" in mail["html"]


def test_a_long_mail_lists_the_dearest_and_says_how_many_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("_letter", "compose"):
        monkeypatch.setattr(f"tallybook.operations.{room}.ROWS_MAX", 1)
    desk.agree("C-dear", "10")
    desk.subscribed()
    desk.at("2026-03-02T07:00:00Z")
    (mail,) = desk.mails()
    assert (mail["body"].count("* C-"), "* C-dear" in mail["body"]) == (1, True)
    assert "And 1 more." in mail["body"]
    dear = next(one for one in desk.get("/findings")["items"] if one["entity"] == "C-dear")
    assert (mail["numbers"]["findings"], mail["numbers"]["count"]) == ([dear["id"]], 2)


def test_what_is_excluded_is_not_mentioned(desk: Desk) -> None:
    made = desk.subscribed(excluded={"C-low": "By agreement."})
    desk.at("2026-03-02T07:00:00Z")
    assert desk.mails() == []
    desk.call("PATCH", f"/subscriptions/{made['id']}", {"excluded": {}})
    desk.at("2026-03-03T07:00:00Z")
    assert len(desk.mails()) == 1


def test_one_that_cannot_run_says_why_and_keeps_no_other_back(desk: Desk) -> None:
    key = desk.call("POST", "/keys", {"name": "temporary", "role": "finance"}).json
    desk.keys["temporary"] = key["secret"]
    made = desk.subscribed("temporary")
    other = desk.subscribed()
    assert desk.call("DELETE", f"/keys/{key['id']}").status in {200, 204}
    desk.at("2026-03-02T07:00:00Z")
    (run,) = desk.get(f"/subscriptions/{made['id']}/runs")["items"]
    assert run["error"].startswith("owner_gone: ")
    assert [mail["subscription"] for mail in desk.mails()] == [other["id"]]
    refused = desk.call("POST", f"/subscriptions/{made['id']}/runs")
    assert (refused.status, refused.json["code"]) == (403, "owner_gone")


def test_a_subscription_is_run_with_what_its_owner_may_see(desk: Desk) -> None:
    desk.agree("C-theirs", "30", account="other")
    made = desk.subscribed("customer_admin", check=SPEND, values={"amounts": ["20"]},
                           recipients={"users": ["cora@acme.example"]})  # fmt: skip
    desk.at("2026-03-02T07:00:00Z")
    (run,) = desk.get(f"/subscriptions/{made['id']}/runs")["items"]
    assert (run["evaluated"], run["found"]) == (1, 1)
    (mail,) = desk.mails()
    assert (mail["recipients"], mail["account"]) == (["cora@acme.example"], "acme")


def test_a_check_that_fails_keeps_no_other_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.subscribed()
    other = desk.subscribed(check=SPEND, values={"amounts": ["20"]})

    def broken(*_: object) -> Iterator[None]:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("tallybook.alerts.contract_base_vs_coverage.find", broken)
    desk.at("2026-03-02T07:00:00Z")
    (run,) = desk.get(f"/subscriptions/{made['id']}/runs")["items"]
    assert run["error"] == "fault: ZeroDivisionError: of ours"
    assert [mail["subscription"] for mail in desk.mails()] == [other["id"]]


def test_a_mail_that_cannot_be_written_keeps_no_other_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.subscribed()
    other = desk.subscribed(check=SPEND, values={"amounts": ["20"]})
    odd = {"base_per_month": "much"}

    def strange(*_: object) -> Iterator[Found]:
        yield Found("C-low", "acme", "under", "Odd.", {"base": [], "coverage": []}, odd)

    with monkeypatch.context() as patched:
        patched.setattr("tallybook.alerts.contract_base_vs_coverage.find", strange)
        desk.at("2026-03-02T07:00:00Z")
        desk.at("2026-03-02T07:01:00Z")
    (run,) = desk.get(f"/subscriptions/{made['id']}/runs")["items"]
    assert (run["error"][:25], run["said"]) == ("fault: InvalidOperation: ", 0)
    assert [mail["subscription"] for mail in desk.mails()] == [other["id"]]
    desk.at("2026-03-03T07:00:00Z")
    assert len(desk.mails()) == 2, "what was not said is said once it can be"


def test_a_store_that_does_not_answer_one_is_asked_for_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [desk.subscribed() for _ in range(2)]
    other = desk.subscribed(check=SPEND, values={"amounts": ["20"]})

    def heavy(*_: object) -> Iterator[None]:
        raise Unavailable("events_unavailable", "This question is too much for the store.")

    with monkeypatch.context() as patched:
        patched.setattr("tallybook.alerts.contract_base_vs_coverage.find", heavy)
        desk.call("PUT", "/test-clock", {"now": "2026-03-02T07:00:00Z"})
        assert [mail["subscription"] for mail in desk.mails()] == [other["id"]]
        assert runs(desk, made[0]) == []
    desk.at("2026-03-02T07:01:00Z")
    assert [runs(desk, one) for one in made] == [["2026-03-02T07:00:00Z"]] * 2


def test_those_that_no_store_answers_keep_no_others_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [desk.subscribed() for _ in range(4)]
    others = [desk.subscribed(check=SPEND, values={"amounts": ["20"]}) for _ in range(2)]
    asked: list[int] = []

    def heavy(*_: object) -> Iterator[None]:
        asked.append(1)
        raise Unavailable("events_unavailable", "This question is too much for the store.")

    with monkeypatch.context() as patched:
        patched.setattr("tallybook.alerts.contract_base_vs_coverage.find", heavy)
        desk.call("PUT", "/test-clock", {"now": "2026-03-02T07:00:00Z"})
        assert (len(asked), desk.mails()) == (3, []), "a store that is down is not asked for all"
        desk.call("PUT", "/test-clock", {"now": "2026-03-02T07:01:00Z"})
        told_ = {mail["subscription"] for mail in desk.mails()}
        assert (len(asked), told_) == (3 + 4, {one["id"] for one in others})
    desk.at("2026-03-02T07:02:00Z")
    assert [runs(desk, one) for one in made] == [["2026-03-02T07:00:00Z"]] * 4


def test_ticks_at_once_decide_once(desk: Desk) -> None:
    made = [desk.subscribed(digest=digest) for digest in (None, None, "both", "both")]
    with ThreadPoolExecutor(6) as pool:
        for day in range(2, 6):
            desk.agree("C-low", "30", f"1{day}00", branch="north")
            at = [f"2026-03-0{day}T07:00:00Z"] * 6
            list(pool.map(desk.at, at))
    assert len(desk.mails()) == 3 * 4
    assert {len(runs(desk, one)) for one in made} == {4}


def test_a_customers_subscription_tells_nobody_elses_people(desk: Desk) -> None:
    told_ = {"roles": ["customer_admin"], "users": ["cora@acme.example"]}
    made = desk.subscribed("customer_admin", check=SPEND, sends_empty=True,
                           values={"amounts": ["1000"]}, recipients=told_)  # fmt: skip
    desk.at("2026-03-02T07:00:00Z")
    assert list(told(desk)) == ["cora@acme.example"]
    desk.put("/users/cora@acme.example", role="customer_admin", account="other")
    desk.at("2026-03-03T07:00:00Z")
    assert len(desk.mails()) == 1
    assert len(runs(desk, made)) == 2
