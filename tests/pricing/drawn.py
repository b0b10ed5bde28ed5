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
    ends = st.lists(st.sampled_from(ENDS), unique=True, max_size=4).map(
        lambda found: [*sorted(found, key=ENDS.index), None]
    )
    return ends.flatmap(
        lambda found: st.tuples(
            *(st.fixed_dictionaries({"up_to": st.just(end), **fields}) for end in found)
        ).map(list)
    )


def document(model: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw documents of a model with these fields."""
    return st.fixed_dictionaries({"model": st.just(model), **fields})
