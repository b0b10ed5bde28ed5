"""Few amounts and few ends of tiers, so that ties and edges are common."""

from typing import Any

from hypothesis import strategies as st

#: The smallest, the greatest, and some of every day.
AMOUNTS = st.sampled_from(
    ["0", "1", "0.012", "3", "0.000000000001", "99999999999999999999999999999999999999"]
)
#: In rising order.
ENDS = ["0.5", "1", "10", "500"]


def tiers(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Draw tiers with these fields: rising ends, the last one open."""
    tier = st.fixed_dictionaries({"up_to": st.sampled_from(ENDS), **fields})
    table = st.lists(tier, min_size=1, max_size=4, unique_by=lambda tier: tier["up_to"])
    return table.map(_in_order)


def _in_order(table: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rising = sorted(table, key=lambda tier: ENDS.index(tier["up_to"]))
    return [*rising[:-1], {**rising[-1], "up_to": None}]


def document(model: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw documents of a model with these fields."""
    return st.fixed_dictionaries({"model": st.just(model), **fields})
