"""What can be done with a page from its header: its rows as files, and itself as a subscription.
Knows the addresses only.
"""

from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from tallybook.operations.pages import OF_THE_VIEW
from tallybook.web.pages.view import Link

#: The formats of a file as people call them.
FORMATS: Final = {"csv": "CSV", "xlsx": "Excel", "parquet": "Parquet"}


def exports(address: str) -> tuple[Link, ...]:
    """Return the links to the files of a page; `address` is its path and query."""
    parts = urlsplit(address)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in OF_THE_VIEW]
    return tuple(
        Link(label, f"{parts.path.rstrip('/')}/export?{urlencode([*query, ('format', kind)])}")
        for kind, label in FORMATS.items()
    )
