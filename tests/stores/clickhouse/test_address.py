"""The setting that names the servers: what is read, and that what is wrong is told at once."""

import pytest

from tallybook.model.errors import Unavailable
from tallybook.stores.clickhouse.address import Address, Host, address


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("clickhouse://h/db", Address((Host("h", 8123),), "db")),
        ("clickhouses://h/db", Address((Host("h", 8443),), "db", secure=True)),
        (
            "clickhouse://u:p%40%3A/@a:1,b.c,[::1]:2/db?cluster=all",
            None,
        ),
        (
            "clickhouse://u:p%40%3A%2F@a:1,b.c,[::1]:2,a:1/db?cluster=all",
            Address(
                (Host("a", 1), Host("b.c", 8123), Host("::1", 2)), "db", user="u",
                password="p@:/", cluster="all",
            ),
        ),
        (
            "clickhouse://h/db?cluster=c&replicated=true",
            Address((Host("h", 8123),), "db", cluster="c", replicated=True),
        ),
        ("chdb:///a/b%20c", Address((), "tallybook", folder="/a/b c")),
        ("chdb:///a?database=x", Address((), "x", folder="/a")),
    ],
)  # fmt: skip
def test_an_address(text: str, meant: Address | None) -> None:
    if meant is None:
        with pytest.raises(Unavailable):
            address(text)
    else:
        assert address(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "clickhouse://", "clickhouse://secret@h", "clickhouse://u:secret@h/",
        "http://u:secret@h/db", "postgresql://u:secret@h/db", "clickhouse://u:secret@/db",
        "clickhouse://u:secret@h:0/db", "clickhouse://u:secret@h:70000/db",
        "clickhouse://u:secret@h:x/db", "clickhouse://u:secret@h/d b", "clickhouse://u:secret@h/d'b",
        "clickhouse://u:secret@h/a/b", "clickhouse://u:secret@h,/db?cluster=c",
        "clickhouse://u:secret@h,i/db", "clickhouse://u:secret@h,h:1/db",
        "clickhouse://u:secret@h/db?cluster=", "clickhouse://u:secret@h/db?cluster=a'b",
        "clickhouse://u:secret@h/db?replicated=true", "clickhouse://u:secret@h/db?cluster=c&replicated=1",
        "clickhouse://u:secret@h/db?final=0", "clickhouse://u:secret@h/db#x",
        "clickhouse://u:secret@[::1/db", "clickhouse://u:p@secret@h/db",
        "chdb://secret/x", "chdb:///", "chdb:///a?x=1",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_password(text: str) -> None:
    with pytest.raises(Unavailable) as refused:
        address(text)
    assert refused.value.code == "events_url_invalid"
    assert "TALLYBOOK_EVENTS_URL" in refused.value.detail
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(address("clickhouse://u:secret@h/db"))


@pytest.mark.parametrize(("host", "text"), [(Host("h", 1), "h:1"), (Host("::1", 2), "[::1]:2")])
def test_a_host_is_written_as_people_do(host: Host, text: str) -> None:
    assert str(host) == text
