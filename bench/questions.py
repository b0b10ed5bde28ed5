"""What people and programs ask the list of all lines, as paths: every sort and filter by itself,
and some together.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import urlencode

from bench import data, fleet
from tallybook.model.ports import SnapshotSort
from tallybook.web.pages.volume_asked import CHIPS

PAGE: Final = 50
_RARE: Final = 777
_FILTERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "everything": {},
    **{f"status {state}": {"status": state} for state in CHIPS if state},
    **{f"service {key}": {"service": key.capitalize()} for key in fleet.UNITS},
    "a branch": {"branch": fleet.branch(3)},
    "a manager": {"csm": fleet.manager(3)},
    "text in an eighth of names": {"q": "quarry"},
    "text in all names": {"q": "r"},
    "text in one name": {"q": f" {_RARE}"},
    "text in no name": {"q": "nowhere"},
    "a parent of 500": {"account": fleet.TREE},
    "an account alone": {"account": data.key(_RARE)},
    "branch, manager, status": {
        "branch": fleet.branch(3),
        "csm": fleet.manager(3),
        "status": "over",
    },
    "service, branch": {"service": "Tokens", "branch": fleet.branch(3)},
    "service, text, status": {"service": "Tokens", "q": "motors", "status": "near"},
}
_SORTED: Final = ("everything", "status over", "service tokens", "a branch", "a manager")
_DEEP: Final = (160, 8_000)


class Question(NamedTuple):
    """What is asked, and its address as a page and as an answer of the API."""

    what: str
    paths: tuple[str, str]


def questions(lines: int) -> Iterator[Question]:
    """Yield all questions about so many lines."""
    for what, some in _FILTERS.items():
        yield _question(what, some)
    for sort in get_args(SnapshotSort):
        for way in ("desc", "asc"):
            for what in _SORTED:
                yield _question(f"{what}, by {sort} {way}", _FILTERS[what], sort, way)
    for number in _DEEP:
        page = min(number, lines // PAGE)
        for sort in ("projected_overage", "account"):
            yield _question(f"page {page} by {sort}", {}, sort, "desc", page)


def _question(
    what: str,
    some: Mapping[str, Any],
    sort: str = "projected_overage",
    way: str = "desc",
    page: int = 1,
) -> Question:
    shown = {**some, "sort": sort, "dir": way, "page": page}
    listed = {
        **some,
        "sort": sort,
        "descending": str(way == "desc").lower(),
        "cursor": f"p{(page - 1) * PAGE}",
        "limit": PAGE,
    }
    return Question(what, (f"/volume?{urlencode(shown)}", f"/api/v1/positions?{urlencode(listed)}"))
