"""The addresses of pages that records and messages lead to; `web.pages` answers there."""

from urllib.parse import quote


def contract_page(number: str) -> str:
    """Return the address of a contract's page."""
    return f"/contracts/{quote(number, safe='')}"


def line_page(contract: str, line: str) -> str:
    """Return the address of the page of a contract's line."""
    return f"/volume/{quote(contract, safe='')}/{quote(line, safe='')}"
