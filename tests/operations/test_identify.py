import base64
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from argon2 import PasswordHasher, extract_parameters
from sqlalchemy import Connection

from tallybook.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
from tallybook.model.scope import ROLES, Scope, Verb
from tallybook.model.time import parse_instant
from tallybook.operations import credentials, identify
from tallybook.operations.guesses import Guesses
from tallybook.operations.identify import Attempt
from tallybook.operations.initialise import initialise
from tallybook.operations.people import (
    list_keys,
    list_users,
    make_key,
    put_user,
    revoke_key,
)
from tests.books import NOW, STORES, Shelf, shelf

EMAIL, PASSWORD = "ann@vendor.example", "correct horse battery"
CUSTOMERS = ("customer_viewer", "customer_admin", "parent_admin")


@pytest.fixture(params=STORES)
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with shelf(tmp_path, request.param) as opened:
        yield opened


@pytest.fixture
def staffed(home: Shelf) -> Shelf:
    add_user(home)
    return home


def add_user(home: Shelf, **more: Any) -> None:
    body = {"email": EMAIL, "role": "admin", "password": PASSWORD, **more}
    put_user(home.scope, home.people, home.directories, body, NOW)


def key(home: Shelf, **more: Any) -> str:
    body = {"name": "test", "role": "admin", **more}
    return make_key(home.scope, home.people, home.directories, body, NOW).secret


def by_key(home: Shelf, secret: str, now: datetime = NOW) -> Scope:
    return identify.by_key(home.people, home.directories, secret, now)


def by_session(home: Shelf, token: str, now: datetime = NOW) -> Scope:
    return identify.by_session(home.people, home.directories, token, now)


def sign_in(
    home: Shelf,
    password: str = PASSWORD,
    now: datetime = NOW,
    *,
    email: str = EMAIL,
    guesses: Guesses | None = None,
    address: str = "192.0.2.1",
    previous: str | None = None,
) -> str:
    attempt = Attempt(email, password, address, previous)
    return identify.sign_in(home.people, guesses or Guesses(), attempt, now).token


def test_a_key_has_a_prefix_random_bits_and_a_checksum(home: Shelf) -> None:
    secrets = {key(home) for _ in range(20)}
    assert len({s[:11] for s in secrets}) == len(secrets) == 20
    for secret in secrets:
        found = re.fullmatch(r"tb_([a-z2-7]{8})_([a-z2-7]{32})([a-z2-7]{7})", secret)
        assert found is not None
        assert len(base64.b32decode(found[2].upper())) * 8 >= 128
        check = base64.b32encode(zlib.crc32(secret[:-7].encode()).to_bytes(4, "big"))
        assert check.decode().rstrip("=").lower() == found[3]


def test_a_known_key_ends_as_soon_as_it_is_revoked(home: Shelf) -> None:
    made = make_key(home.scope, home.people, home.directories, {"name": "r", "role": "admin"}, NOW)
    for _ in range(3):  # the first use is noted, and makes it be read again
        assert by_key(home, made.secret).role == "admin"
    revoke_key(home.scope, home.people, made.key.id, NOW)
    with pytest.raises(Unauthenticated):
        by_key(home, made.secret)


def test_a_key_read_before_it_was_revoked_is_not_kept(
    home: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_key(home.scope, home.people, home.directories, {"name": "r", "role": "admin"}, NOW)
    by_key(home, made.secret)
    database = home.people._database  # noqa: SLF001 - to come between a reading and its end
    reader = database.reader

    @contextmanager
    def interrupted() -> Iterator[Connection]:
        monkeypatch.undo()
        with reader() as connection:
            yield connection
        revoke_key(home.scope, home.people, made.key.id, NOW)

    monkeypatch.setattr(database, "reader", interrupted)
    assert by_key(home, made.secret).role == "admin"
    with pytest.raises(Unauthenticated):
        by_key(home, made.secret)


def test_a_key_is_the_scope_of_its_role(home: Shelf) -> None:
    for role in ("admin", "finance", "csm", "analyst", "sales_rep", "ingest"):
        secret = key(home, role=role)
        scope = by_key(home, secret)
        assert (scope.role, scope.accounts, scope.who) == (role, None, f"key:{secret[3:11]}")
    assert by_key(home, key(home, role="sales_rep", name="Rita")).names == {"rita"}
    ingest = by_key(home, key(home, role="ingest"))
    assert [verb for verb in get_args(Verb) if ingest.may(verb)] == ["ingest"]


def test_a_key_may_do_no_more_than_its_scopes(home: Shelf) -> None:
    scope = by_key(home, key(home, scopes=["read", "ingest"]))
    assert (scope.may("read"), scope.may("ingest"), scope.may("define")) == (True, True, False)
    assert by_key(home, key(home, scopes=[])).may("administer")
    assert not by_key(home, key(home, role="analyst", scopes=["define"])).may("define")


def test_a_customers_key_reaches_its_tree_and_follows_it(home: Shelf) -> None:
    for account, parent in (("acme", None), ("west", "acme"), ("other", None)):
        home.put("account", account, parent=parent)
    for role in CUSTOMERS:
        secret = key(home, role=role, account="acme")
        assert {m.account for m in by_key(home, secret).accounts or ()} == {"acme", "west"}
    home.put("account", "east", parent="west")
    scope = by_key(home, secret)
    assert [scope.sees(a) for a in ("acme", "west", "east", "other")] == [True, True, True, False]


def spoilt(secret: str) -> Iterator[str]:
    """A key with wrong letters, but a right checksum where that is said."""
    body = secret[:-8] + ("a" if secret[-8] != "a" else "b")
    check = base64.b32encode(zlib.crc32(body.encode()).to_bytes(4, "big")).decode()
    yield body + check.rstrip("=").lower()
    yield from (body + secret[-7:], secret[:-1], secret + "a", secret.upper(), f" {secret}", "")
    yield from ("tb_", "\ud83d", "tb_aaaaaaaa_", "x" * 100_000, secret + "\n")


def test_whatever_is_wrong_with_a_key_the_refusal_is_the_same(home: Shelf) -> None:
    secret, gone = key(home), key(home, expires_at="2026-03-11T00:00:00Z")
    revoked = make_key(
        home.scope, home.people, home.directories, {"name": "r", "role": "admin"}, NOW
    )
    revoke_key(home.scope, home.people, revoked.key.id, NOW)
    unknown = credentials.new_key().text
    late = NOW + timedelta(days=1)
    said = set()
    for wrong in (*spoilt(secret), gone, revoked.secret, unknown):
        with pytest.raises(Unauthenticated) as refusal:
            by_key(home, wrong, late)
        said.add((refusal.value.code, refusal.value.detail))
    assert len(said) == 1
    far = parse_instant("2026-03-11T00:00:00Z")
    assert by_key(home, key(home, expires_at=far)).role == "admin"
    assert by_key(home, gone, NOW).role == "admin"
    assert by_key(home, secret, late).role == "admin"


def test_use_of_a_key_is_noted_at_most_once_a_minute(home: Shelf) -> None:
    secret = key(home)
    noted = []
    for seconds in (0, 1, 59, 60, 61, 125, -100):
        by_key(home, secret, NOW + timedelta(seconds=seconds))
        noted.append(home.people.keys(home.scope)[0].used_at)
    offsets = [(at - NOW).total_seconds() for at in noted if at]
    assert offsets == [0, 0, 0, 60, 60, 125, -100]


def test_secrets_are_nowhere_in_the_files(tmp_path: Path) -> None:
    with shelf(tmp_path) as home:
        add_user(home)
        secret, token = key(home), sign_in(home)
        planted = [secret, secret[12:44], token, PASSWORD]
        reprs = repr((home.people.users(home.scope), home.people.keys(home.scope)))
        data = b"".join(f.read_bytes() for f in tmp_path.iterdir())
        assert [p for p in planted if p.encode() in data] == []
    data = b"".join(f.read_bytes() for f in tmp_path.iterdir())
    assert [p for p in planted if p.encode() in data] == []
    assert b"$argon2id$v=19$m=19456,t=2,p=1$" in data
    assert "argon2" not in reprs
    assert "hash" not in reprs


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "admin"}, "document_invalid"),
        ({"name": "", "role": "admin"}, "document_invalid"),
        ({"name": "x\x00", "role": "admin"}, "document_invalid"),
        ({"name": "x", "role": "king"}, "document_invalid"),
        ({"name": "x", "role": "admin", "scopes": ["fly"]}, "document_invalid"),
        ({"name": "x", "role": "admin", "expires_at": "soon"}, "document_invalid"),
        ({"name": "x", "role": "admin", "expires_at": 7}, "document_invalid"),
        (
            {"name": "x", "role": "admin", "expires_at": "2026-03-10T12:00:00Z"},
            "expires_in_the_past",
        ),
        ({"name": "x", "role": "admin", "account": "nobody"}, "unknown_account"),
        ({"name": "x", "role": "admin", "secret_hash": "x"}, "document_invalid"),
        *(({"name": "x", "role": role}, "document_invalid") for role in CUSTOMERS),
    ],
)
def test_keys_that_make_no_sense_are_refused(home: Shelf, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        make_key(home.scope, home.people, home.directories, body, NOW)
    assert refusal.value.code == code


def test_only_administrators_make_keys_and_users(home: Shelf) -> None:
    body = {"name": "x", "role": "admin", "email": EMAIL}
    calls: list[Callable[[Scope], object]] = [
        lambda scope: make_key(scope, home.people, home.directories, body, NOW),
        lambda scope: put_user(scope, home.people, home.directories, body, NOW),
        lambda scope: revoke_key(scope, home.people, "x", NOW),
        lambda scope: list_keys(scope, home.people),
        lambda scope: list_users(scope, home.people),
    ]
    for role in [r for r in ROLES if r != "admin"]:
        for call in calls:
            with pytest.raises(Forbidden):
                call(Scope("x", role))
    narrow = Scope("x", "admin", None, frozenset({"administer", "read"}))
    for scopes in (None, ["define"], ["read", "ingest"]):
        asked = {"name": "x", "role": "admin", "scopes": scopes}
        with pytest.raises(Forbidden) as refusal:
            make_key(narrow, home.people, home.directories, asked, NOW)
        assert refusal.value.code == "scopes_too_wide"
    with pytest.raises(NotFound):
        revoke_key(home.scope, home.people, "nothing", NOW)


def test_a_session_is_the_scope_of_its_user(staffed: Shelf) -> None:
    scope = by_session(staffed, sign_in(staffed, email=f"  {EMAIL.upper()} "))
    assert scope == Scope(EMAIL, "admin", names=frozenset({EMAIL}))


def test_a_session_ends_when_idle_and_for_good_after_a_week(staffed: Shelf) -> None:
    token = sign_in(staffed)
    with pytest.raises(Unauthenticated):
        by_session(staffed, token, NOW + timedelta(hours=12))
    now = NOW
    for _ in range(14):
        now += timedelta(hours=11, minutes=59)
        by_session(staffed, token, now)
    with pytest.raises(Unauthenticated):
        by_session(staffed, token, NOW + timedelta(days=7))


def test_sessions_end_by_hand_and_at_once(staffed: Shelf) -> None:
    one, two = sign_in(staffed), sign_in(staffed)
    identify.sign_out(staffed.people, one, NOW)
    identify.sign_out(staffed.people, "no token", NOW)
    assert by_session(staffed, two).role == "admin"
    for wrong in (one, "", "\ud83d", two + "x"):
        with pytest.raises(Unauthenticated):
            by_session(staffed, wrong)


def test_signing_in_ends_the_session_the_browser_came_with(staffed: Shelf) -> None:
    old = sign_in(staffed)
    new = sign_in(staffed, previous=old)
    assert new != old
    assert by_session(staffed, new).role == "admin"
    with pytest.raises(Unauthenticated):
        by_session(staffed, old)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "suspended"},
        {"role": "analyst"},
        {"password": "another long password"},
    ],
)
def test_a_change_of_a_user_acts_on_the_next_request(
    staffed: Shelf, change: dict[str, Any]
) -> None:
    token = sign_in(staffed)
    add_user(staffed, name="Ann", password=None)
    assert by_session(staffed, token).role == "admin"
    add_user(staffed, **{"name": "Ann", "password": None, **change})
    with pytest.raises((Unauthenticated, Forbidden)):
        by_session(staffed, token)


def test_only_who_knows_the_password_learns_why_it_does_not_help(home: Shelf) -> None:
    people: dict[str, tuple[dict[str, Any], str | None]] = {
        "sensor@x.y": ({"role": "ingest"}, "role_without_pages"),
        "gone@x.y": ({"state": "suspended"}, "user_suspended"),
        "never@x.y": ({"password": None}, None),
    }
    said = set()
    for email, (more, code) in people.items():
        add_user(home, email=email, **more)
        with pytest.raises(Unauthenticated) as refusal:
            sign_in(home, "a wrong password", email=email)
        said.add((refusal.value.code, refusal.value.detail))
        if code is not None:
            with pytest.raises(Forbidden) as told:
                sign_in(home, email=email)
            assert told.value.code == code
    with pytest.raises(Unauthenticated) as refusal:
        sign_in(home, email="nobody@x.y")
    assert said == {(refusal.value.code, refusal.value.detail)}


def test_nobodys_password_is_hashed_like_anybodys(
    staffed: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same work for an unknown user as for a wrong password: equal time by construction."""
    verified = []
    real = PasswordHasher.verify

    def watch(self: PasswordHasher, kept: str, password: bytes) -> bool:
        verified.append(extract_parameters(kept))
        return real(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", watch)
    for email in (EMAIL, "nobody@x.y"):
        with pytest.raises(Unauthenticated):
            sign_in(staffed, "wrong password", email=email)
    assert len(verified) == 2
    assert verified[0] == verified[1]
    assert (verified[0].memory_cost, verified[0].time_cost, verified[0].parallelism) == (
        19 * 1024,
        2,
        1,
    )


def test_an_old_hash_is_renewed_when_its_owner_signs_in(staffed: Shelf) -> None:
    user = staffed.people.user(staffed.scope, EMAIL)
    assert user is not None
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    staffed.people.change_user(staffed.scope, replace(user, password_hash=old), NOW)
    sign_in(staffed)
    renewed = staffed.people.user(staffed.scope, EMAIL)
    assert renewed is not None
    assert renewed.password_hash != old
    assert sign_in(staffed)


def test_ten_thousand_guesses_are_almost_all_refused_unlooked_and_the_owner_gets_in(
    staffed: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    guesses, looked = Guesses(), []

    def check(_: str | None, tried: str) -> bool:
        looked.append(tried)
        return tried == PASSWORD

    monkeypatch.setattr(credentials, "check_password", check)
    for n in range(10_000):
        now = NOW + timedelta(milliseconds=30 * n)
        with pytest.raises((Unauthenticated, Overloaded)) as refusal:
            sign_in(staffed, "guess", now, guesses=guesses, address="203.0.113.9")
    assert isinstance(refusal.value, Overloaded)
    assert refusal.value.code == "too_many_tries"
    assert 1 <= refusal.value.facts["retry_after"] <= 60  # type: ignore[operator] # facts hold anything
    assert len(looked) <= 15
    assert sign_in(staffed, now=now, guesses=guesses)
    wait = timedelta(seconds=refusal.value.facts["retry_after"])  # type: ignore[arg-type] # facts hold anything
    assert sign_in(staffed, now=now + wait, guesses=guesses, address="203.0.113.9")


def test_one_address_that_tries_many_users_is_stopped_too() -> None:
    guesses = Guesses()
    for n in range(50):
        guesses.take(f"user{n}@x.y", "203.0.113.9", NOW)
    for n in range(1_000):
        with pytest.raises(Overloaded) as refusal:
            guesses.take(f"other{n}@x.y", "203.0.113.9", NOW)
        assert refusal.value.facts["retry_after"] == 10
    guesses.take("user@x.y", "203.0.113.9", NOW + timedelta(seconds=10))


def test_an_office_that_signs_in_from_one_address_is_not_stopped() -> None:
    guesses = Guesses()
    for n in range(1_000):
        guesses.take(f"user{n}@x.y", "203.0.113.9", NOW)
        guesses.forgive(f"user{n}@x.y", "203.0.113.9")
    for n in range(50):
        guesses.take(f"other{n}@x.y", "203.0.113.9", NOW)
    with pytest.raises(Overloaded):
        guesses.take("other@x.y", "203.0.113.9", NOW)


def test_getting_it_right_forgives_and_a_clock_set_back_does_no_harm() -> None:
    guesses = Guesses()
    for _ in range(4):
        for _ in range(9):
            guesses.take(EMAIL, "a", NOW)
        guesses.forgive(EMAIL, "a")
    guesses.take(EMAIL, "a", NOW + timedelta(days=400))
    for _ in range(9):
        guesses.take(EMAIL, "a", NOW)
    with pytest.raises(Overloaded) as refusal:
        guesses.take(EMAIL, "a", NOW)
    assert refusal.value.facts["retry_after"] == 60


def test_tries_are_remembered_for_a_bounded_number_of_strangers() -> None:
    guesses = Guesses()
    for n in range(30_000):
        guesses.take("a@x.y", f"address{n}", NOW)
    assert len(guesses._buckets) <= 10_001  # noqa: SLF001 - memory is not visible from outside


def test_init_makes_an_administrator_and_a_key_once(home: Shelf) -> None:
    with pytest.raises(Invalid):
        initialise(home.people, home.directories, "no address", NOW)
    assert home.people.keys(home.scope) == []
    made = initialise(home.people, home.directories, "Ann@Vendor.example", NOW)
    assert made["admin_email"] == EMAIL
    assert by_session(home, sign_in(home, made["admin_password"])).role == "admin"
    assert by_key(home, made["api_key"]).may("administer")
    with pytest.raises(Conflict) as refusal:
        initialise(home.people, home.directories, "eve@x.y", NOW)
    assert refusal.value.code == "already_initialised"
    assert [u.email for u in list_users(home.scope, home.people).items] == [EMAIL]
    assert len(list_keys(home.scope, home.people).items) == 1


def test_users_keep_their_bindings_and_are_one_an_address(home: Shelf) -> None:
    home.put("account", "acme")
    body = {
        "email": "Cara@Vendor.example",
        "role": "csm",
        "name": "Cara",
        "branches": ["East"],
        "csms": ["Cara@vendor.example"],
        "account": "acme",
    }
    first = put_user(home.scope, home.people, home.directories, body, NOW)
    again = put_user(home.scope, home.people, home.directories, {**body, "name": "C"}, NOW)
    assert (again.id, again.name) == (first.id, "C")
    assert home.people.user(home.scope, "cara@vendor.example") == again
    assert (again.branches, again.csms, again.account) == (
        ("East",),
        ("cara@vendor.example",),
        "acme",
    )
    with pytest.raises(Conflict) as refusal:
        home.people.add_user(home.scope, again)
    assert refusal.value.code == "user_exists"
    for wrong in ({"email": "x"}, {"password": "short"}, {"account": "none"}, {"id": "7"}):
        with pytest.raises(Invalid):
            put_user(home.scope, home.people, home.directories, {**body, **wrong}, NOW)


def test_every_change_of_people_is_in_the_audit_trail(staffed: Shelf) -> None:
    token = sign_in(staffed)
    identify.sign_out(staffed.people, token, NOW)
    made = make_key(
        staffed.scope, staffed.people, staffed.directories, {"name": "x", "role": "ingest"}, NOW
    )
    revoke_key(staffed.scope, staffed.people, made.key.id, NOW)
    revoke_key(staffed.scope, staffed.people, made.key.id, NOW)
    add_user(staffed, name="Ann")
    add_user(staffed, name="Ann", password=None)  # says nothing new
    trail = staffed.people.audit(staffed.scope, 100)
    assert [(e.who, e.what) for e in reversed(trail)] == [
        ("tester", "user.added"),
        (EMAIL, "session.opened"),
        (EMAIL, "session.revoked"),
        ("tester", "key.added"),
        ("tester", "key.revoked"),
        ("tester", "user.changed"),
        ("tester", "session.revoked"),
    ]
    assert staffed.people.audit(staffed.scope, 2, before=trail[1].number) == trail[2:4]
    with pytest.raises(Conflict):
        staffed.people.add_key(staffed.scope, made.key)


def test_who_only_reads_gets_in_while_nothing_can_be_written(staffed: Shelf) -> None:
    secret, token = key(staffed), sign_in(staffed)
    later = NOW + timedelta(hours=1)
    read_only = {
        "sqlite": "PRAGMA query_only = 1",
        "postgresql": "SET default_transaction_read_only = on",
    }
    with staffed.database.writer() as connection:
        connection.exec_driver_sql(read_only[connection.dialect.name])
    with pytest.raises(Unavailable):
        key(staffed)
    assert by_key(staffed, secret, later).role == "admin"
    assert by_session(staffed, token, later).role == "admin"
