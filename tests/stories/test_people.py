"""Keys and users are listed page by page, like all that is listed."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.serving import Client

_MADE = 5


@pytest.fixture(scope="module")
def crowd(bare: Client) -> Client:
    """Return an installation with some keys and users beside the first."""
    for number in range(_MADE):
        body = {"name": f"key {number}", "role": "ingest"}
        assert bare.call("POST", "/keys", body).status == 201
        bare.put(f"/users/u{number}@example.com", role="csm")
    return bare


def pages(client: Client, path: str, limit: int) -> Iterator[list[str]]:
    """Yield what names the items of each page, in order."""
    cursor: dict[str, Any] = {}
    while True:
        found = client.call("GET", path, limit=limit, **cursor).json
        assert found["totals"] == {"count": _MADE + 1}
        yield [item.get("email") or item["name"] for item in found["items"]]
        if found["next_cursor"] is None:
            return
        cursor = {"cursor": found["next_cursor"]}


@pytest.mark.parametrize("path", ["/keys", "/users"])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 500])
def test_pages_make_the_list(crowd: Client, path: str, limit: int) -> None:
    found = [*pages(crowd, path, limit)]
    sizes = [len(page) for page in found]
    assert sizes == [limit] * ((_MADE + 1) // limit) + [(_MADE + 1) % limit] * bool(6 % limit)
    names = [name for page in found for name in page]
    made = {
        "/keys": ["first", *(f"key {number}" for number in range(_MADE))],
        "/users": ["admin@example.com", *(f"u{number}@example.com" for number in range(_MADE))],
    }
    assert names == made[path]
