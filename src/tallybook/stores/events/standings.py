"""Corrections within a question: which rows count no more as of an entry. How rows stand is a table
of its own, `standings`, to which is only ever added; the newest line of a row holds.
"""

from typing import Final

from tallybook.stores.events.dialect import Dialect, Rows

TABLE: Final = "standings"


def counted(sql: Dialect, rows: Rows, seq: int) -> str:
    """Say that a row counts, as of entry `seq`."""
    return f"seq NOT IN ({_hidden(sql, rows, seq, 'seq')})"


def hiding(sql: Dialect, rows: Rows, seq: int) -> str:
    """Join rows `e` with `h`: by which entry, and how, those do not count that do not."""
    # Named apart from what they are made of, which engines mistake for one another.
    columns = (
        f"seq AS hidden, max(since) AS hidden_by, {sql.newest('standing', 'since')} AS hidden_as"
    )
    return f"\n  LEFT JOIN ({_hidden(sql, rows, seq, columns)}) AS h ON h.hidden = e.seq"


def _hidden(sql: Dialect, rows: Rows, seq: int, columns: str) -> str:
    """Write the rows that do not count. They are looked for where the question looks for rows."""
    terms = " AND ".join((*rows.terms, f"since <= {rows.bound.bind(seq)}"))
    newest = sql.newest("standing", "since")
    return f"SELECT {columns} FROM {TABLE} WHERE {terms} GROUP BY seq HAVING {newest} <> 'counted'"
