"""What makes one contract document invalid beyond the shape of its fields: all of it at once, as
values, whether or not the document is stored. What sets of terms say is judged in `agreed_terms`.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from tallybook.model.contract import Contract
from tallybook.model.errors import Fault
from tallybook.positions.agreed_terms import MeterOf, repeated, terms_faults
from tallybook.positions.layers import layers

_DAY: Final = timedelta(days=1)


def faults(contract: Contract, meter_of: MeterOf) -> list[Fault]:
    """Return all that is wrong with a document, in its order; `meter_of` looks a meter up.

    Codes: `end_before_start, renewal_without_end, phases_out_of_order, phases_overlap, phases_gap,
    phase_outside_term, phase_end_missing, duplicate_name`, and those of `agreed_terms`.
    """
    found = [*_dates(contract), *_phases(contract), *_credits(contract)]
    every = [*layers(contract)]
    for layer in every:
        found += terms_faults(layer, every, meter_of)
    # What a phase leaves to the contract is seen again with each phase.
    return list({(fault.code, fault.field): fault for fault in reversed(found)}.values())[::-1]


def _dates(contract: Contract) -> Iterator[Fault]:
    end = contract.end_date
    if end is not None and end < contract.start_date:
        yield _ends_early("end_date", "start_date", contract.start_date)
    if contract.renewal.policy == "auto" and end is None:
        yield Fault(
            "renewal_without_end",
            "renewal.policy",
            "A contract renews when it ends: give its end_date, or the policy none.",
        )


def _phases(contract: Contract) -> Iterator[Fault]:
    endless = contract.end_date is None or contract.renewal.policy == "auto"
    last = None if endless else contract.end_date
    before: date | None = None
    for place, phase in enumerate(contract.phases):
        at = f"phases.{place}"
        if phase.end_date is not None and phase.end_date < phase.start_date:
            yield _ends_early(f"{at}.end_date", "its start_date", phase.start_date)
        if phase.start_date < contract.start_date or (last and phase.start_date > last):
            yield _outside(f"{at}.start_date", contract)
        if phase.end_date is not None and last is not None and phase.end_date > last:
            yield _outside(f"{at}.end_date", contract)
        if phase.end_date is None and place < len(contract.phases) - 1:
            yield Fault(
                "phase_end_missing",
                f"{at}.end_date",
                "Only the last phase may be open: give the day before the next phase starts.",
            )
        if place:
            yield from _follows(contract, place, before)
        before = phase.end_date


def _follows(contract: Contract, place: int, before: date | None) -> Iterator[Fault]:
    """Judge how a phase follows the one before, which ends on the day `before`."""
    start, field = contract.phases[place].start_date, f"phases.{place}.start_date"
    if start <= contract.phases[place - 1].start_date:
        yield Fault(
            "phases_out_of_order",
            field,
            "Phases are listed in the order of their days; put this one before those after it.",
        )
    elif before is not None and start <= before:
        yield Fault(
            "phases_overlap",
            field,
            f"The phase before ends on {before}; start this one the day after.",
        )
    elif before is not None and start > before + _DAY:
        yield Fault(
            "phases_gap",
            field,
            f"No phase holds {before + _DAY}: start this one then, or end the one before later.",
        )


def _credits(contract: Contract) -> Iterator[Fault]:
    for place, credit in enumerate(contract.credits):
        first, last = credit.valid_from, credit.valid_to
        if first is not None and last is not None and last < first:
            yield _ends_early(f"credits.{place}.valid_to", "its valid_from", first)
    names = [(f"credits.{i}.name", credit.name) for i, credit in enumerate(contract.credits)]
    yield from repeated("credit", names)


def _ends_early(field: str, start: str, day: date) -> Fault:
    return Fault(
        "end_before_start", field, f"{field} lies before {start}, {day}; it is a last day."
    )


def _outside(field: str, contract: Contract) -> Fault:
    term = f"from {contract.start_date}"
    if contract.end_date is not None:
        term += f" through {contract.end_date}"
    return Fault(
        "phase_outside_term",
        field,
        f"The contract holds {term}; keep the phase within, or change the contract's dates.",
    )
