"""What is not yours is as if it were not there: every call by every role, for its own account and
for a stranger's, and nothing of a stranger in any answer.
"""

from typing import Any

import pytest

from tests.documented import Documented
from tests.serving import Answer, Client, event

BOUND = ("customer_viewer", "customer_admin", "parent_admin")
READERS = ("admin", "finance", "csm", "analyst", "sales_rep", *BOUND)
ROLES = (*READERS, "ingest")
PRICED = {"admin", "finance", "csm", "customer_admin", "parent_admin"}
DEFINERS = {"admin", "finance", "parent_admin"}
CLOSERS = {"admin", "finance"}
PRICE = "77.75"  # no second is written so
STRANGER = "stranger"
WHY = "the vendor's own"
PAGE = {"page": "/volume", "recipients": ["them@example.com"]}
#: Each call that reads, with `{a}` for an account's key and `{c}` for its contract's number.
ONE = [
    "/accounts/{a}",
    "/accounts/{a}/history",
    "/accounts/{a}/check",
    "/accounts/{a}/check?at=2026-03-20T00:00:00Z",
    "/contracts/{c}",
    "/contracts/{c}/history",
    "/contracts/{c}?at=2026-03-20",
    "/contracts?account={a}",
    "/positions/{c}/total?at=2026-03-20T00:00:00Z",
    "/positions/{c}/total/accounts?at=2026-03-20T00:00:00Z",
    "/positions/{c}/total/daily?at=2026-03-20T00:00:00Z",
    "/positions/{c}/total/daily?at=2026-03-20T00:00:00Z&format=csv",
    "/positions/export?account={a}",
    "/positions/export?contract={c}&at=2026-03-20T00:00:00Z",
    "/positions/{c}/total/late?at=2026-03-20T00:00:00Z",
    "/positions?account={a}",
    "/positions?contract={c}",
    "/positions?contract={c}&at=2026-03-20T00:00:00Z",
    "/statements/{c}",
    "/statements/{c}?period=2026-03-20",
    "/statements/{c}?period=2026-02-20",
    "/statements?account={a}&period=2026-03-20",
    "/statements?contract={c}",
    "/usage?meter=total&account={a}&from=2026-03-01&to=2026-04-01",
    "/forecasts/backtest?contract={c}",
    "/cases?account={a}",
    "/deliveries?account={a}",
    "/findings?account={a}",
]
MANY = [
    "/accounts",
    "/meters",
    "/definitions?noun=account",
    "/cases",
    "/cases?q=stranger",
    "/deliveries",
    "/deliveries?subscription=none",
    "/accounts?q=stranger",
    "/contracts",
    "/contracts?q=C",
    "/contracts?in_force=2026-03-20",
    "/contracts?sort=base&descending=true",
    "/events",
    "/events?account=stranger",
    "/events?state=unresolved",
    "/positions",
    "/positions/export",
    "/positions/export?at=2026-03-20T00:00:00Z",
    "/positions?q=stranger",
    "/positions?at=2026-03-20T00:00:00Z",
    "/positions?sort=amount&descending=true",
    "/statements",
    "/statements?period=2026-03-20",
    "/usage?meter=total&from=2026-03-01&to=2026-04-01",
    "/usage?meter=total&from=2026-03-01&to=2026-04-01&group_by=account",
    "/usage?meter=total&from=2026-03-01&to=2026-04-01&group_by=who",
]


class House(Documented):
    """Two customers who must never hear of each other, and a key for each role."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.port, client.key)
        self.put("/meters/total", event_type="use", aggregation="sum", property="n")
        self.put(
            "/meters/total",
            event_type="use",
            aggregation="sum",
            property="n",
            dimensions=["who"],
            reason=WHY,
        )
        for account in ("acme", STRANGER):
            self.put(f"/accounts/{account}", name=f"The {account}", reason=WHY)
            line = {
                "code": "total",
                "meter": "total",
                "allotment": {"quantity": "1"},
                "price": {"model": "per_unit", "unit_amount": PRICE},
            }
            self.put(f"/contracts/C-{account}", account=account, start_date="2026-01-01")
            self.put(
                f"/contracts/C-{account}",
                account=account,
                start_date="2026-01-01",
                valid_from="2026-01-01",
                reason=WHY,
                lines=[line],
            )
        self.put("/accounts/acme-eu", parent="acme")
        self.put("/accounts/left", parent="acme")
        self.put("/accounts/left", parent=STRANGER, valid_from="2026-03-10")
        self.put("/contracts/C-left", account="left", start_date="2026-01-01")
        facts = [("acme", 10), (STRANGER, 98765), ("nobody", 1)]
        self.send(
            [event(f"e-{who}", subject=who, data={"n": n, "who": who}) for who, n in facts]
            + [
                event(f"left-{day}", subject="left", time=f"2026-03-{day}T12:00:00Z", data=data)
                for day, data in (("05", {"n": 5, "who": "old"}), ("15", {"n": 50, "who": "new"}))
            ]
        )
        self.until_visible()
        self.call("POST", "/tick")
        for account in ("acme", STRANGER):
            closing = {"period": "2026-02-10", "release": True, "reason": WHY}
            assert self.call("POST", f"/statements/C-{account}/close", closing).status == 200
        self.keys = {role: self.key_of(role) for role in ROLES}
        self.subscribe()
        for account in ("acme", STRANGER):
            case = {"contract": f"C-{account}", "line": "total", "text": f"Of the {account}"}
            answer = self.call("POST", "/cases", {**case, "at": "2026-03-20T00:00:00Z"})
            assert answer.status == 201, answer.body

    def subscribe(self) -> None:
        """Have a check find something of each customer that is for the vendor only."""
        told = {"recipients": {"to": ["them@example.com"]}, "name": WHY}
        made = self.call("POST", "/subscriptions", {**told, "check": "billing.period_unbilled"})
        assert made.status == 201, made.body
        done = self.call("POST", f"/subscriptions/{made.json['id']}/runs").json
        assert done["run"]["found"] > 1, done["run"]

    def key_of(self, role: str, **more: Any) -> str:
        """Make a key; a customer's is bound to the first account."""
        account = "acme" if role in BOUND else None
        body = {"name": role, "role": role, "account": account, **more}
        answer = self.call("POST", "/keys", body)
        assert answer.status == 201, answer.body
        return str(answer.json["secret"])

    def by(self, key: str, method: str, target: str, document: object = None) -> Answer:
        """Ask with a role's key, or with the key itself."""
        sent = {"Authorization": f"Bearer {self.keys.get(key, key)}"}
        return self.call(method, target, document, headers=sent)


@pytest.fixture(scope="module")
def house(bare: Client) -> House:
    return House(bare)


def code(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.json["code"]


def says_who(answer: Answer) -> bool:
    """Tell whether an answer names who of the vendor did something, or why."""
    return any(said in answer.body for said in (WHY.encode(), b'"author":"', b'"closed_by":"'))


def without_id(answer: Answer) -> Any:
    return {k: v for k, v in answer.json.items() if k != "request_id"}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("target", ONE)
def test_reading_one(house: House, role: str, target: str) -> None:
    own = house.by(role, "GET", target.format(a="acme", c="C-acme"))
    foreign = house.by(role, "GET", target.format(a=STRANGER, c=f"C-{STRANGER}"))
    none = house.by(role, "GET", target.format(a="missing1", c="C-missing1"))
    if role == "ingest":
        for answer in (own, foreign, none):
            assert code(answer) == (403, "verb_not_allowed")
        return
    assert own.status == 200, own.body
    assert (PRICE.encode() in own.body) <= (role in PRICED)
    assert says_who(own) <= (role not in BOUND)
    if role in BOUND:
        assert foreign.status == none.status == 404
        assert foreign.body.replace(b"stranger", b"missing1").count(b"missing1") == (
            none.body.count(b"missing1")
        )
        assert foreign.json["code"] == none.json["code"]
    else:
        assert foreign.status == 200


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("target", MANY)
def test_reading_many(house: House, role: str, target: str) -> None:
    answer = house.by(role, "GET", target)
    if role == "ingest":
        assert code(answer) == (403, "verb_not_allowed")
        return
    assert answer.status == 200, answer.body
    assert (PRICE.encode() in answer.body) <= (role in PRICED)
    assert says_who(answer) <= (role not in BOUND)
    if role in BOUND:
        said = answer.body.replace(b"left", b"")
        assert STRANGER.encode() not in said
        assert b"nobody" not in said
        assert b"98765" not in said


@pytest.mark.parametrize("target", ["/meters/total", "/meters/total/history"])
@pytest.mark.parametrize("role", READERS)
def test_who_changed_something_and_why_is_not_for_customers(
    house: House, role: str, target: str
) -> None:
    for path in (target, "/accounts/acme", "/contracts/C-acme/history"):
        assert says_who(house.by(role, "GET", path)) == (role not in BOUND)


@pytest.mark.parametrize("role", sorted(set(READERS) - PRICED))
def test_a_price_that_may_not_be_seen_is_null_and_everything_else_is_there(
    house: House, role: str
) -> None:
    hidden = house.by(role, "GET", "/contracts/C-acme").json
    shown = house.by("admin", "GET", "/contracts/C-acme").json
    assert shown["lines"][0]["price"] == {"model": "per_unit", "unit_amount": PRICE}
    for amount in ("price", "discount_percent"):
        assert hidden["lines"][0].pop(amount) is None
        shown["lines"][0].pop(amount)
    if role in BOUND:
        shown |= {"author": None, "reason": None}
    assert hidden == shown
    past = house.by(role, "GET", "/contracts/C-acme/history").json["items"]
    assert [line["price"] for item in past for line in item["lines"]] == [None]
    found = house.by(role, "GET", "/positions/C-acme/total?at=2026-03-20T00:00:00Z").json
    assert (found["amount"], found["overage_amount"], found["used"]) == (None, None, "10")
    assert found["explanation"]["price"] is None
    totals = house.by(role, "GET", "/positions").json["totals"]
    assert {t["amount"] for t in totals} == {None}


@pytest.mark.parametrize("role", READERS)
@pytest.mark.parametrize("period", ["2026-02-10", "2026-03-10"])
def test_amounts_of_a_statement_are_null_for_whom_they_are_not(
    house: House, role: str, period: str
) -> None:
    found = house.by(role, "GET", f"/statements/C-acme?period={period}").json
    shown = house.by("admin", "GET", f"/statements/C-acme?period={period}").json
    assert shown["total"] == {"2026-02-10": "0.00", "2026-03-10": "699.75"}[period]
    told = {"closed_by", "reason", "held_above"} if role in BOUND else set()
    if role in PRICED:
        assert all(found[name] == shown[name] for name in shown.keys() - told)
    else:
        assert (found["total"], found["subtotal"], found["sha256"]) == (None, None, None)
        (line,) = found["lines"]
        assert (line["amount"], line["discount"], line["explanation"]["charges"]) == (
            None,
            None,
            [],
        )
        assert line["quantity"] == shown["lines"][0]["quantity"]
        assert house.by(role, "GET", "/statements").json["totals"] == []
    assert {found[name] for name in told} <= {None}


@pytest.mark.parametrize("role", ROLES)
def test_who_closes(house: House, role: str) -> None:
    body = {"period": "2026-02-10"}
    own = house.by(role, "POST", "/statements/C-acme/close", body)
    none = house.by(role, "POST", "/statements/C-missing1/close", body)
    if role in CLOSERS:
        assert (own.status, own.json["status"], none.status) == (200, "closed", 404)
    else:
        assert code(own) == code(none) == (403, "verb_not_allowed")
    bound = house.key_of("finance", account="acme")
    foreign = house.by(bound, "POST", f"/statements/C-{STRANGER}/close", body)
    assert code(foreign) == (404, "contract_not_found")


@pytest.mark.parametrize("role", BOUND)
def test_a_statement_is_of_whom_the_account_was_as_its_period_ended(
    house: House, role: str
) -> None:
    before = house.by(role, "GET", "/statements/C-left?period=2026-02-10")
    after = house.by(role, "GET", "/statements/C-left?period=2026-03-05")
    assert (before.status, code(after)) == (200, (404, "contract_not_found"))
    assert house.by(role, "GET", "/statements?period=2026-02-10").json["count"] == 2
    assert house.by(role, "GET", "/statements?period=2026-03-05").json["count"] == 1


@pytest.mark.parametrize("role", ROLES)
def test_what_became_of_a_page_is_for_whose_it_is(house: House, role: str) -> None:
    made = house.by("admin", "POST", "/report-schedules", {**PAGE, "name": STRANGER}).json["id"]
    answer = house.by(role, "GET", f"/report-schedules/{made}/runs")
    none = house.by(role, "GET", "/report-schedules/none/runs")
    if role == "admin":
        assert answer.json == {"items": []}
    elif role == "ingest":
        assert code(answer) == code(none) == (403, "verb_not_allowed")
    else:
        assert without_id(answer) == without_id(none)
        assert code(none) == (404, "schedule_not_found")


@pytest.mark.parametrize("role", ROLES)
def test_lists_count_only_what_may_be_seen(house: House, role: str) -> None:
    if role == "ingest":
        return
    accounts = house.by(role, "GET", "/accounts").json
    contracts = house.by(role, "GET", "/contracts").json
    positions = house.by(role, "GET", "/positions").json
    events = house.by(role, "GET", "/events").json
    keys = {item["key"] for item in accounts["items"]}
    assert keys == ({"acme", "acme-eu"} if role in BOUND else {"acme", "acme-eu", STRANGER, "left"})
    assert accounts["totals"]["count"] == len(keys)
    assert contracts["totals"]["count"] == (1 if role in BOUND else 3)
    assert positions["count"] == positions["counts"]["all"] == (1 if role in BOUND else 2)
    assert len(events["items"]) == (2 if role in BOUND else 5)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("noun", ["accounts", "meters", "contracts"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_changing_what_is_not_yours(house: House, role: str, noun: str, method: str) -> None:
    if role in {"admin", "finance"}:
        return
    prefix = {"accounts": "", "contracts": "C-", "meters": "M-"}[noun]
    bodies: dict[str, dict[str, Any]] = {
        "accounts": {"name": "Mine now"},
        "meters": {"event_type": "use", "aggregation": "count"},
        "contracts": {"account": "acme", "start_date": "2026-01-01"},
    }
    body = bodies[noun] if method == "PUT" else None
    own = {"accounts": "acme", "contracts": "C-acme", "meters": "total"}[noun]
    foreign = house.by(role, method, f"/{noun}/{prefix}{STRANGER}", body)
    none = house.by(role, method, f"/{noun}/{prefix}missing", body)
    if role != "parent_admin":
        assert code(house.by(role, method, f"/{noun}/{own}", body)) == (403, "verb_not_allowed")
        assert code(foreign) == code(none) == (403, "verb_not_allowed")
    elif noun == "accounts":
        assert code(foreign) == (404, "account_not_found")
        assert none.status in {404, 422}  # new ones stand below one's own
    else:
        assert code(house.by(role, method, f"/{noun}/{own}", body)) == (403, "vendor_only")
        assert code(foreign) == code(none)
    assert house.by("admin", "GET", f"/accounts/{STRANGER}").json["version"] == 1
    if method == "PUT":  # who may not change it is not told either what a change would do
        dry = house.by(role, method, f"/{noun}/{prefix}{STRANGER}?dry_run=true", body)
        assert code(dry) == code(foreign)


@pytest.mark.parametrize("noun", ["account", "contract"])
@pytest.mark.parametrize("asked", [{"dry_run": True}, {"revision": 0}, {"effects": True}])
@pytest.mark.parametrize(
    "documents",
    [[{"account": "acme", "start_date": "2026-01-01"}], [{}, {}], [{"start_date": "never"}]],
)
def test_bringing_in_what_is_not_yours_tells_nothing_of_it(
    house: House, noun: str, asked: dict[str, Any], documents: list[dict[str, Any]]
) -> None:
    def bring(key: str) -> Answer:
        definitions = [{"noun": noun, "key": key, "documents": documents}]
        return house.by(
            "parent_admin", "POST", "/definitions", {"definitions": definitions, **asked}
        )

    prefix = {"account": "", "contract": "C-"}[noun]
    assert code(bring(prefix + STRANGER)) == (404, f"{noun}_not_found")
    if noun == "contract":
        assert code(bring("C-missing1")) == (404, "contract_not_found")


@pytest.mark.parametrize("role", sorted(set(ROLES) - {"admin"}))
@pytest.mark.parametrize(
    ("method", "target", "document"),
    [
        ("POST", "/keys", {"name": "x", "role": "admin"}),
        ("GET", "/keys", None),
        ("DELETE", "/keys/anything", None),
        ("PUT", "/users/x@example.com", {"role": "admin"}),
        ("GET", "/users", None),
        ("GET", "/webhooks", None),
        ("POST", "/webhooks", {"name": "x", "url": "https://example.com/"}),
        ("PATCH", "/webhooks/anything", {}),
        ("POST", "/webhooks/anything/secret", None),
        ("DELETE", "/webhooks/anything", None),
        ("POST", "/tick", None),
        ("PUT", "/test-clock", {"now": "2026-01-01T00:00:00Z"}),
    ],
)
def test_only_administrators_administer(
    house: House, role: str, method: str, target: str, document: object
) -> None:
    assert code(house.by(role, method, target, document)) == (403, "verb_not_allowed")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("target", "document"),
    [
        ("/preview/periods", {"start_date": "2026-01-01", "to": "2026-01-02"}),
        ("/preview/charge", {"price": {"model": "flat", "amount": "1"}, "quantity": "1"}),
    ],
)
def test_who_may_read_may_ask_what_would_be(
    house: House, role: str, target: str, document: object
) -> None:
    answer = house.by(role, "POST", target, document)
    assert answer.status == (403 if role == "ingest" else 200), answer.body


@pytest.mark.parametrize("role", ROLES)
def test_a_statement_that_would_be_tells_nothing_of_a_stranger(house: House, role: str) -> None:
    house.put("/accounts/abroad", timezone="Asia/Tokyo")
    price = {"model": "flat", "amount": PRICE}
    agreed = {
        "account": "abroad",
        "start_date": "2026-01-01",
        "lines": [{"code": "x", "meter": "total", "price": price}],
    }
    body = {"contract": agreed, "period": "2026-03-01"}
    answer = house.by(role, "POST", "/preview/statement", body)
    if role == "ingest":
        assert code(answer) == (403, "verb_not_allowed")
    else:
        assert answer.json["timezone"] == ("UTC" if role in BOUND else "Asia/Tokyo")
        assert answer.json["total"] == (PRICE if role in PRICED else None)


@pytest.mark.parametrize("role", ROLES)
def test_who_sends_events(house: House, role: str) -> None:
    answer = house.by(role, "POST", "/events", [])
    assert answer.status == (200 if role in {"admin", "ingest"} else 403)


def test_a_bound_key_sends_only_for_its_accounts(house: House) -> None:
    key = house.key_of("ingest", account="acme-eu")
    sent = [event("mine", subject="acme-eu"), event("theirs", subject=STRANGER)]
    receipt = house.by(key, "POST", "/events", sent).json
    assert (receipt["accepted"], receipt["rejected"]) == (1, 1)
    assert [line["index"] for line in receipt["results"]] == [1]


def test_an_account_that_left_keeps_its_new_secrets(house: House) -> None:
    places = (
        "/accounts/left",
        "/contracts/C-left",
        "/accounts/left/history",
        "/positions?account=left",
    )
    for role in BOUND:
        for target in places:
            assert house.by(role, "GET", target).status == 404, (role, target)
        usage = house.by(
            role, "GET", "/usage?meter=total&account=left&from=2026-03-01&to=2026-04-01"
        )
        assert [row["value"] for row in usage.json["rows"]] == ["5"]


def test_nobody_takes_back_or_backdates(house: House) -> None:
    back = {"parent": "acme"}
    assert code(house.by("parent_admin", "PUT", "/accounts/left", back)) == (
        404,
        "account_not_found",
    )
    assert code(house.by("parent_admin", "DELETE", "/accounts/left")) == (404, "account_not_found")
    house.put("/accounts/came", parent=STRANGER)
    house.put("/accounts/came", parent="acme", valid_from="2026-03-10")
    claim = {"parent": "acme", "valid_from": "2020-01-01"}
    refusal = house.by("parent_admin", "PUT", "/accounts/came", claim)
    assert code(refusal) == (422, "valid_from_not_yours")
    house.put("/accounts/came", parent=STRANGER, valid_from="2099-01-01")
    stay = {"parent": "acme", "valid_from": "2099-01-01"}
    refusal = house.by("parent_admin", "PUT", "/accounts/came", stay)
    assert code(refusal) == (422, "valid_from_not_yours")
    renamed = house.by("parent_admin", "PUT", "/accounts/came", {"parent": "acme", "name": "Came"})
    assert renamed.status == 200


def test_a_limited_key_makes_nobody_who_may_do_more(house: House) -> None:
    key = house.key_of("admin", scopes=["administer"])
    made = house.by(key, "POST", "/keys", {"name": "all", "role": "admin"})
    assert code(made) == (403, "scopes_too_wide")
    password = {"role": "admin", "password": "correct horse battery"}
    user = house.by(key, "PUT", "/users/more@example.com", password)
    assert code(user) == (403, "scopes_too_wide")
    bound = house.key_of("admin", account="acme")
    for method, target, body in (
        ("GET", "/keys", None),
        ("GET", "/users", None),
        ("POST", "/keys", {"name": "all", "role": "admin"}),
        ("PUT", "/users/more@example.com", password),
    ):
        assert code(house.by(bound, method, target, body)) == (403, "verb_not_allowed"), target


@pytest.mark.parametrize("target", [*MANY, *ONE, "/keys", "/users", "/meters"])
def test_without_a_key_or_with_a_bad_one(house: House, target: str) -> None:
    place = "/api/v1" + target.format(a="acme", c="C-acme")
    assert code(house.ask("GET", place)) == (401, "key_missing")
    bad = {"Authorization": "Bearer tb_aaaaaaaa_nothing"}
    assert code(house.ask("GET", place, headers=bad)) == (401, "key_invalid")


@pytest.mark.parametrize("role", READERS)
def test_what_is_found_of_the_vendors_own_doing_is_not_for_customers(
    house: House, role: str
) -> None:
    page = house.by(role, "GET", "/findings").json
    assert (page["totals"]["count"] > 0) == (role not in BOUND)
    assert (page["by_check"] != {}) == (role not in BOUND)
    amounts = {item["money_at_risk"] for item in page["items"]}
    assert (amounts <= {None}) == (role not in PRICED or role in BOUND)
