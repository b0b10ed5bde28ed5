"""What makes one set of terms invalid: names, units, cycles, references, prices. A phase is judged
with all that it leaves to the contract.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from tallybook import pricing
from tallybook.model import kinds
from tallybook.model.contract import BaseCharge, Cycle, Line, MeterGroup, RateSchedule
from tallybook.model.errors import Fault, Invalid, faults_of
from tallybook.model.nouns import Document, Meter
from tallybook.positions.items import overage_price
from tallybook.positions.layers import Layer

#: Looks up a meter as it stands; None where there is none.
MeterOf = Callable[[str], Meter | None]

_NAMED: Final = {
    "base_charges": "base charge",
    "commitments": "commitment",
    "discounts": "discount",
    "rate_schedules": "rate schedule",
}


def terms_faults(layer: Layer, every: Sequence[Layer], meter_of: MeterOf) -> Iterator[Fault]:
    """Yield what is wrong with terms; `every` are those of the whole document.

    Codes: `duplicate_name, duplicate_meter, unknown_meter, unit_clash, minimum_above_maximum,
    rollover_of_unlimited, overage_twice, price_model_missing, unknown_kind`, or what a price model
    says, `term_without_end, ref_missing, ref_unknown, base_cycle_too_long, cycle_clash`.
    """
    yield from _names(layer)
    for place, line in enumerate(layer.terms.lines):
        at = layer.at("lines", place)
        yield from (fault.below(at) for fault in _line(line, meter_of))
    for place, group in enumerate(layer.terms.meter_groups):
        at = layer.at("meter_groups", place)
        yield from (fault.below(at) for fault in _group(group, meter_of))
    yield from _endless(layer)
    yield from _references(layer, every)
    yield from _cycles(layer)


def repeated(what: str, named: Iterable[tuple[str, str]]) -> Iterator[Fault]:
    """Yield a fault for each (path, name) whose name another had before."""
    seen: set[str] = set()
    for path, name in named:
        if name in seen:
            yield Fault(
                "duplicate_name", path, f"Another {what} is called {name}; give this its own name."
            )
        seen.add(name)


def price_faults(price: Document) -> list[Fault]:
    """Return what is wrong with a price; paths begin with its own fields."""
    model = price.get("model")
    if not isinstance(model, str):
        known = ", ".join(kinds.names(pricing))
        detail = f"A price names its model; choose one of: {known}."
        return [Fault("price_model_missing", "model", detail)]
    try:
        kinds.load(pricing, model).parse(price)
    except Invalid as e:
        found = faults_of(e)
        return [f._replace(field="model") if f.code == "unknown_kind" else f for f in found]
    return []


def _names(layer: Layer) -> Iterator[Fault]:
    """Judge names: lines and groups share theirs. Of two, the one that is newly written is to
    blame.
    """
    terms = layer.terms
    lines = [(layer.at("lines", i, "code"), line.code) for i, line in enumerate(terms.lines)]
    groups = [
        (layer.at("meter_groups", i, "name"), group.name)
        for i, group in enumerate(terms.meter_groups)
    ]
    both = groups + lines if "meter_groups" not in layer.own else lines + groups
    yield from repeated("line or meter group", both)
    for part, what in _NAMED.items():
        named = [
            (layer.at(part, i, "name"), one.name) for i, one in enumerate(getattr(terms, part))
        ]
        yield from repeated(what, named)


def _line(line: Line, meter_of: MeterOf) -> Iterator[Fault]:
    if line.meter is not None:
        meter = meter_of(line.meter)
        if meter is None:
            yield _unknown_meter("meter", line.meter)
        counted = meter.unit if meter else None
    else:
        counted = None
    if line.conversion is not None:
        counted = line.conversion.unit
    if line.unit is not None and counted is not None and line.unit != counted:
        yield Fault(
            "unit_clash",
            "unit",
            f"The line counts {counted}, not {line.unit}; name that unit or add a conversion.",
        )
    least, most = line.minimum_amount, line.maximum_amount
    if least is not None and most is not None and least > most:
        yield Fault(
            "minimum_above_maximum",
            "minimum_amount",
            f"A line cannot cost at least {least:f} and at most {most:f}; change one of them.",
        )
    allotted = line.allotment
    if allotted is not None and allotted.quantity is None and allotted.rollover is not None:
        yield Fault(
            "rollover_of_unlimited",
            "allotment.rollover",
            "Nothing is left of an unlimited allotment; give its quantity or leave rollover out.",
        )
    if line.price is not None:
        yield from (fault.below("price") for fault in price_faults(line.price))


def _group(group: MeterGroup, meter_of: MeterOf) -> Iterator[Fault]:
    units: dict[str, str] = {}
    seen: set[str] = set()
    for place, key in enumerate(group.meters):
        field, meter = f"meters.{place}", meter_of(key)
        if key in seen:
            yield Fault("duplicate_meter", field, f"{key} would count twice; name it once.")
        elif meter is None:
            yield _unknown_meter(field, key)
        elif units and meter.unit not in units:
            unit, other = next(iter(units.items()))
            yield Fault(
                "unit_clash",
                field,
                f"{key} counts {meter.unit} and {other} counts {unit}; a group pools one unit.",
            )
        seen.add(key)
        if meter is not None and not units:
            units[meter.unit] = key
    if group.overage_rate is not None and group.overage_tiers:
        yield Fault(
            "overage_twice",
            "overage_tiers",
            "Overage has a rate or tiers, not both; leave one of them out.",
        )
    elif group.overage_tiers:
        for fault in price_faults(overage_price(group) or {}):
            yield fault._replace(field=f"overage_{fault.field}")


def _unknown_meter(field: str, key: str) -> Fault:
    return Fault("unknown_meter", field, f"There is no meter {key}; create it first.")


def _endless(layer: Layer) -> Iterator[Fault]:
    """A term is from the start to the end: without an end nothing comes round by it."""
    if layer.terms.end_date is not None:
        return
    for path, cycle in _all_cycles(layer):
        if cycle.cycle_unit == "term":
            yield Fault(
                "term_without_end",
                f"{path}.cycle_unit",
                "The contract has no end_date, so it has no term; give one or another cycle.",
            )


def _all_cycles(layer: Layer) -> Iterator[tuple[str, Cycle]]:
    terms = layer.terms
    for i, line in enumerate(terms.lines):
        if line.allotment is not None:
            yield layer.at("lines", i, "allotment"), line.allotment
    for part in ("meter_groups", "base_charges", "commitments", "rate_schedules"):
        for i, cycle in enumerate(getattr(terms, part)):
            yield layer.at(part, i), cycle


def _references(layer: Layer, every: Sequence[Layer]) -> Iterator[Fault]:
    """Judge what names something else. What the contract writes may name what only a phase has,
    where the phase leaves it as it is.
    """
    for place, base in enumerate(layer.terms.base_charges):
        if base.level != "contract":
            groups = _known("base_charges", layer, every, "meter_groups")
            yield from _named_by(base, layer.at("base_charges", place, "ref"), groups)
    codes = ("lines", "meter_groups", "base_charges")
    for place, discount in enumerate(layer.terms.discounts):
        known = _known("discounts", layer, every, *codes)
        for i, name in enumerate(discount.lines or ()):
            if name not in known:
                yield _unknown_ref(layer.at("discounts", place, "lines", i), name, known)
    for place, planned in enumerate(layer.terms.rate_schedules):
        parts = codes[2:] if planned.applies_to == "base" else codes[:2]
        known = _known("rate_schedules", layer, every, *parts)
        if planned.ref is not None and planned.ref not in known:
            yield _unknown_ref(layer.at("rate_schedules", place, "ref"), planned.ref, known)


def _named_by(base: BaseCharge, field: str, groups: Sequence[str]) -> Iterator[Fault]:
    if base.ref is None:
        what = base.level.replace("_", " ")
        yield Fault("ref_missing", field, f"Name the {what} that the charge is for.")
    elif base.level == "meter_group" and base.ref not in groups:
        yield _unknown_ref(field, base.ref, groups)


def _known(part: str, layer: Layer, every: Sequence[Layer], *parts: str) -> Sequence[str]:
    """Return the names in `parts` that hold on some day together with this layer's `part`."""
    beside = [one for one in every if one.where[part] == layer.where[part]]
    named = (item.code for one in beside for name in parts for item in getattr(one.terms, name))
    return list(dict.fromkeys(named))


def _unknown_ref(field: str, name: str, known: Sequence[str]) -> Fault:
    there = f"there are: {', '.join(known[:_SHOWN_MAX])}" if known else "there are none"
    return Fault("ref_unknown", field, f"Nothing here is called {name}; {there}.")


def _cycles(layer: Layer) -> Iterator[Fault]:
    terms = layer.terms
    for place, base in enumerate(terms.base_charges):
        group = layer.group(base.ref) if base.level == "meter_group" else None
        if group is not None and layer.months(base) > layer.months(group):
            yield Fault(
                "base_cycle_too_long",
                layer.at("base_charges", place, "cycle_unit"),
                f"The charge comes round less often than the overage of {group.name}; "
                "give it that cycle or a shorter one.",
            )
    for place, planned in enumerate(terms.rate_schedules):
        if planned.cycle_unit is None:
            continue  # it follows what it raises
        for name, cycle in _raised(layer, planned):
            if layer.length(cycle) != layer.length(planned):
                yield Fault(
                    "cycle_clash",
                    layer.at("rate_schedules", place, "cycle_unit"),
                    f"{name} has another cycle; give that one, or leave the cycle out.",
                )


def _raised(layer: Layer, planned: RateSchedule) -> Iterator[tuple[str, Cycle]]:
    """Yield what a planned increase is for, each with the cycle on which it is charged."""
    terms = layer.terms
    named: list[tuple[str, Cycle]] = (
        [(base.name, base) for base in terms.base_charges]
        if planned.applies_to == "base"
        else [(line.code, line.allotment or _BILLING) for line in terms.lines]
        + [(group.name, group) for group in terms.meter_groups]
    )
    yield from (one for one in named if planned.ref in {None, one[0]})


_BILLING: Final = Cycle()
_SHOWN_MAX: Final = 10
