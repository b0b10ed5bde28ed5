"""The bar under the title of the volume page: periods, one account and its tree, and selects."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

from tallybook.operations.accounts_meant import Named
from tallybook.web.pages import format as words
from tallybook.web.pages.view import Link, Option, Segment, Select
from tallybook.web.pages.volume_account import offered
from tallybook.web.pages.volume_asked import PATH, PERIODS, Asked
from tallybook.web.pages.volume_view import AccountField, VolumeFilters

#: A select of more is of no use, and makes the page long.
_CHOICES_MAX: Final = 100


def of(asked: Asked, services: Iterable[str]) -> VolumeFilters:
    """Return what the page can be narrowed by, as far as it would make a difference."""
    period = asked.get("period", PERIODS)
    periods = (
        Link(label, asked.link(period=value, page=None), value == period)
        for value, label in PERIODS.items()
    )
    known = asked.service.snapshot.choices(asked.scope)
    choices = (
        ("service", "Service", sorted(services)),
        ("branch", "Branch", known.branches),
        ("csm", "CSM", known.csms),
    )
    selects = [
        one for name, label, values in choices for one in _select(asked, name, label, values)
    ]
    return VolumeFilters(
        PATH,
        Segment("Period", tuple(periods)),
        _account(asked),
        tuple(selects),
        asked.kept("account", "rollup", *(name for name, _, _ in choices)),
        tuple(asked.removable),
        asked.clear_url,
    )


def options(accounts: Iterable[Named]) -> tuple[Option, ...]:
    """Return accounts as suggestions of a field."""
    return tuple(Option(key, name) for key, name in accounts)


def _select(asked: Asked, name: str, label: str, known: Collection[str]) -> Iterator[Select]:
    """Yield a select where there is a choice, or one was made."""
    value = asked.text(name)
    if len(known) > 1 or value:
        values = [*known][:_CHOICES_MAX]
        if value and value not in values:
            values.append(value)
        every = Option("", "All", selected=not value)
        yield Select(label, name, (every, *(Option(v, v, v == value) for v in values)))


def _account(asked: Asked) -> AccountField | None:
    who = asked.chosen
    begin = offered(asked.scope, asked.directory, asked.when.now)
    if len(begin) <= 1 and not who.said:
        return None
    if who.said and not who.key:
        alike = (Link(name, asked.link(account=key, page=None)) for key, name in who.alike)
        problem = (
            "Several accounts are called" if _is_shared(asked) else "You see no account called"
        )
        return AccountField(
            who.said, options(begin), None, f"{problem} “{who.said}”.", tuple(alike)
        )
    return AccountField(who.said, options(begin), _tree(asked) if who.below else None)


def _is_shared(asked: Asked) -> bool:
    said = asked.chosen.said.strip().casefold()
    return any(name.casefold() == said for _, name in asked.chosen.alike)


def _tree(asked: Asked) -> Segment:
    alone = asked.text("rollup") == "own"
    below = words.plural(asked.chosen.below, "child account", "child accounts")
    return Segment(
        "Accounts listed",
        (
            Link(f"With {below}", asked.link(rollup=None, page=None), not alone),
            Link("This account only", asked.link(rollup="own", page=None), alone),
        ),
    )
