"""What some sample contracts agree on beside their lines: base charges, ramps, minimums, credits,
discounts, pooled meters, and what was changed in their term.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from tallybook.samples.services import CLAIMS, INVOICES

_DAY: Final = timedelta(days=1)
_OMAR: Final = {"name": "Omar Haddad", "email": "omar.haddad@vendor.example"}
_LENA: Final = {"name": "Lena Fischer", "email": "lena.fischer@vendor.example"}


def _month(day: date, months: int) -> date:
    """Return the first day of the month so many months after a day's."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def _base(amount: str, **more: Any) -> dict[str, Any]:
    return {"name": "platform", "amount": amount, "timing": "advance", **more}


def beside(number: str, start: date, today: date) -> Mapping[str, Any]:
    """Return what a contract that starts on a day says beside its lines."""
    made = _BESIDE.get(number)
    return made(start, today) if made else {"type": "Growth", "base_charges": [_base("290")]}


def _quarry(start: date, today: date) -> dict[str, Any]:
    ramp = _month(start, 3)
    return {
        "type": "Enterprise",
        "sales_rep": _OMAR,
        "end_date": str(_month(start, 24) - _DAY),
        "renewal": {"policy": "auto", "cycle_unit": "year", "cycle_length": 1},
        "billing": {"hold_above": "60000"},
        "base_charges": [
            _base("2550"),
            {"name": "support", "amount": "4800", "cycle_unit": "year", "timing": "advance"},
        ],
        "commitments": [{"name": "minimum-spend", "amount": "4000"}],
        "credits": [
            {"name": "onboarding", "amount": "2500", "valid_to": str(_month(today, 2) - _DAY)}
        ],
        "rate_schedules": [
            {"name": "yearly-increase", "applies_to": "base", "ref": "platform", "percent": "3",
             "every": 12, "places": 2},
        ],
        "phases": [
            {"name": "Ramp", "start_date": str(start), "end_date": str(ramp - _DAY),
             "base_charges": [_base("1275")], "commitments": []},
            {"name": "Full service", "start_date": str(ramp)},
        ],
        "attributes": {"region": "Midwest", "purchase_order": "PO-88120"},
    }  # fmt: skip


def _nordlicht(start: date, today: date) -> dict[str, Any]:
    del today
    return {
        "type": "Enterprise",
        "sales_rep": _LENA,
        "end_date": str(_month(start, 36) - _DAY),
        "renewal": {"policy": "ask"},
        "base_charges": [_base("1900"), {"name": "archive", "amount": "750", "cycle_unit": "month",
                                         "cycle_length": 3}],
        "discounts": [{"name": "framework", "percent": "4"}],
    }  # fmt: skip


def _pier(start: date, today: date) -> dict[str, Any]:
    del start, today
    return {
        "type": "Growth",
        "sales_rep": _OMAR,
        "base_charges": [_base("420")],
        "meter_groups": [
            {"name": "paperwork", "product": "Document capture", "cycle_unit": "month",
             "cycle_length": 3, "meters": [INVOICES["key"], CLAIMS["key"]],
             "covered_quantity": "4500", "overage_method": "allow_with_credit",
             "credit_rate": "0.004",
             "overage_tiers": [{"up_to": "1000", "unit_amount": "0.03"},
                               {"unit_amount": "0.02"}]},
        ],
    }  # fmt: skip


def _ending(start: date, today: date) -> dict[str, Any]:
    del start
    return {
        "type": "Growth",
        "sales_rep": _OMAR,
        "end_date": str(_month(today, 2) - _DAY),
        "renewal": {"policy": "ask"},
        "base_charges": [_base("640")],
    }


def _prepaid(start: date, today: date) -> dict[str, Any]:
    del today
    return {
        "type": "Prepaid",
        "sales_rep": _LENA,
        "base_charges": [_base("310")],
        "credits": [{"name": "prepaid", "amount": "6000", "valid_from": str(start)}],
    }


def _trial(start: date, today: date) -> dict[str, Any]:
    del today
    return {
        "type": "Growth",
        "base_charges": [_base("380")],
        "phases": [
            {"name": "Trial", "start_date": str(start), "end_date": str(start + 29 * _DAY),
             "base_charges": []},
            {"name": "Paid", "start_date": str(start + 30 * _DAY)},
        ],
    }  # fmt: skip


_BESIDE: Final = {
    "C-1001": _quarry,
    "C-1012": _ending,
    "C-1020": _nordlicht,
    "C-1050": _trial,
    "C-1060": _pier,
    "C-1090": _prepaid,
}


def price(number: str, service: str, unit_amount: str) -> dict[str, Any]:
    """Return the price of a line: tiers or packages for a few, else so much a unit."""
    found = _PRICES.get((number, service))
    return found or {"model": "per_unit", "unit_amount": unit_amount}


_PRICES: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("C-1001", "messaging"): {
        "model": "graduated",
        "tiers": [
            {"up_to": "25000", "unit_amount": "0.012"},
            {"up_to": "100000", "unit_amount": "0.0095"},
            {"unit_amount": "0.008"},
        ],
    },
    ("C-1020", "document-capture"): {
        "model": "volume",
        "tiers": [
            {"up_to": "5000", "unit_amount": "0.035"},
            {"unit_amount": "0.029", "flat_amount": "20"},
        ],
    },
    ("C-1090", "voice-minutes"): {
        "model": "package", "package_size": "100", "package_amount": "5.25", "rounding": "up",
    },
    ("C-1080", "lead-verification"): {
        "model": "stairstep",
        "tiers": [
            {"up_to": "100", "flat_amount": "45"},
            {"up_to": "500", "flat_amount": "190"},
            {"flat_amount": "380"},
        ],
    },
}  # fmt: skip


def amended(contract: Mapping[str, Any], today: date) -> Mapping[str, Any] | None:
    """Return a contract as it was changed in its term, with the day, None where it never was."""
    if contract["number"] not in _AMENDED:
        return None
    reason, changes = _AMENDED[contract["number"]]
    return {
        **contract,
        **changes(contract),
        "valid_from": str(max(_month(today, -1), date.fromisoformat(contract["start_date"]))),
        "reason": reason,
    }


#: Whose last month is closed; what is amended for it afterwards becomes an adjustment.
CLOSED: Final = ("C-1001", "C-1012", "C-1020", "C-1090")


def _at(amount: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Return what gives a contract another base."""
    return lambda contract: {"base_charges": [_base(amount), *contract["base_charges"][1:]]}


def _by_quarter(contract: Mapping[str, Any]) -> Mapping[str, Any]:
    """Bill the base each quarter, its amount forgotten, and overage at one rate."""
    (group,) = contract["meter_groups"]
    flat = {name: value for name, value in group.items() if name != "overage_tiers"}
    return {
        "base_charges": [{**_base("420"), "cycle_unit": "month", "cycle_length": 3}],
        "meter_groups": [{**flat, "overage_rate": "0.14"}],
    }


_AMENDED: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]]]] = {
    "C-1020": ("Amendment 1: two more teams", _at("2150")),
    "C-1013": ("Price held for another year", _at("265")),
    "C-1060": ("Billed by the quarter from now on", _by_quarter),
}
