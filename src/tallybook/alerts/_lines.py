"""Where lines stand as checks read them: those that can be judged, and why others cannot. Judges
nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from tallybook.model.check import Found, Unjudged
from tallybook.model.position import Position
from tallybook.model.quantity import EXACT
from tallybook.model.view import View

_NONE: Final = Decimal(0)
_WHOLE: Final = Decimal(100)
_DAY: Final = timedelta(days=1)


def lines(view: View, *, with_ended: bool = False) -> Iterator[Position | Unjudged]:
    """Yield each line that can be judged, else why it cannot: `data_stale`, or `incomplete` where
    nothing is known of its use; `with_ended` also in its cycles that ended since somebody looked.
    """
    ended = view.ended() if with_ended and view.stale is None else ()
    for position in chain(view.positions(), ended):
        if view.stale is not None:
            yield unjudged(position, view.stale)
        elif position.used is None:
            yield unjudged(position, "incomplete")
        else:
            yield position


def until(position: Position) -> str:
    """Return what to add of a line whose cycle is over: through which day it went."""
    last = position.period.end_date - _DAY
    return f", through {last}" if position.period.ends_at <= position.known_at.now else ""


def entity(position: Position) -> str:
    """Return what a line is called: CONTRACT/CODE."""
    return f"{position.contract}/{position.line}"


def unjudged(position: Position, reason: str) -> Unjudged:
    """Return that a line cannot be judged."""
    return Unjudged(entity(position), position.account, reason)


def found(
    position: Position,
    state: str,
    message: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    *,
    step: str = "",
    money_at_risk: Decimal | None = None,
) -> Found:
    """Return a finding of a line in its period."""
    return Found(
        entity=entity(position),
        account=position.account,
        state=state,
        message=message,
        inputs=inputs,
        outputs=outputs,
        money_at_risk=money_at_risk,
        currency=position.currency,
        contract=position.contract,
        line=position.line,
        branch=position.branch,
        step=step,
        period=position.period.start_date.isoformat(),
    )


def reached(
    position: Position, thresholds: tuple[Decimal, ...], what: str, **inputs: Any
) -> Iterator[Found]:
    """Yield each threshold, in percent of what is included, that a line's use has met, with what is
    found of it: the money at the highest only, as it is there once. Something used where nothing is
    included is beyond every threshold.
    """
    share, used, of_all = position.percent_used, position.used or _NONE, available(position)
    if of_all is None or position.status == "no_allotment":
        return
    met = [
        threshold
        for threshold in sorted(set(thresholds))
        if not of_all or EXACT.multiply(used, _WHOLE) >= EXACT.multiply(of_all, threshold)
    ]
    for threshold in met:
        of = "more than nothing" if share is None else f"{share:.1f} %"
        made = found(
            position,
            "reached",
            f"{position.service}: {of} of {what} is used{until(position)}.",
            {"threshold": threshold, "allotment": position.allotment, **inputs},
            {"used": position.used, "percent_used": None if share is None else share / 100},
            step=f"{threshold.normalize():f}",
            money_at_risk=position.overage_amount if threshold == met[-1] else None,
        )
        yield replace(made, severity="critical" if position.remaining == 0 else "warning")


def available(position: Position) -> Decimal | None:
    """Return what may be used in all, what was handed on from earlier cycles included."""
    if position.remaining is None or position.used is None:
        return None
    return EXACT.subtract(EXACT.add(position.used, position.remaining), position.overage)
