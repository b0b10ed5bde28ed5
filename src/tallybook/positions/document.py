"""A statement as a document: what an answer, a file and a closed statement say, and the hash of it.
Decimals are texts in it, amounts with all digits of their currency's minor unit.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final

from tallybook.model.canonical import encode
from tallybook.model.money import money_text
from tallybook.model.nouns import Document
from tallybook.model.plain import plain
from tallybook.model.statement import Adjustment, Charge, ClosedStatement, Statement
from tallybook.positions.adjustments import ChargeKey, Settled

_CHARGES: Final = ("lines", "base_charges", "discounts", "commitments")
_NO_AMOUNTS: Final = {"minimum_amount": None, "maximum_amount": None, "unrounded": None}


def document(statement: Statement) -> dict[str, Any]:
    """Return a statement as JSON can say it: texts, numbers, lists and objects only."""
    money = partial(money_text, currency=statement.currency)
    period = statement.period
    return {
        "contract": statement.contract,
        "account": statement.account,
        "bill_to": statement.bill_to,
        "currency": statement.currency,
        "timezone": statement.timezone,
        "period": {
            "start_date": plain(period.start_date),
            "end_date": plain(period.end_date),
            "is_stub": period.is_stub,
            "starts_at": plain(period.starts_at),
            "ends_at": plain(period.ends_at),
        },
        **{
            name: [_charge(charge, statement.currency) for charge in getattr(statement, name)]
            for name in _CHARGES
        },
        "adjustments": [
            {**plain(adjustment), "amount": money(adjustment.amount)}
            for adjustment in statement.adjustments
        ],
        "credits": [
            {"name": use.name, "amount": money(use.amount), "left": money(use.left)}
            for use in statement.credits
        ],
        "subtotal": money(statement.subtotal),
        "total": money(statement.total),
        "supplementary": statement.supplementary,
    }


def seal(made: Document) -> str:
    """Return the SHA-256 of a document's canonical JSON, in hexadecimal."""
    return hashlib.sha256(encode(made).encode()).hexdigest()


def without_amounts(made: Document) -> dict[str, Any]:
    """Return a document for those who may see what was used and not what it costs."""
    return {
        **made,
        **{name: [_hidden(charge) for charge in made[name]] for name in _CHARGES},
        "adjustments": [{**said, "amount": None} for said in made["adjustments"]],
        "credits": [{**use, "amount": None, "left": None} for use in made["credits"]],
        "subtotal": None,
        "total": None,
    }


def settled(closed: ClosedStatement) -> Settled:
    """Return what a closed statement said, as later ones need it."""
    made = closed.document
    charges: dict[ChargeKey, Decimal] = {}
    for said in _all(made):
        key: ChargeKey = (said["kind"], said["code"])
        charges[key] = charges.get(key, Decimal(0)) + Decimal(said["amount"])
    return Settled(
        start=closed.start_date,
        end=closed.end_date,
        charges=charges,
        adjustments=tuple(map(_adjustment, made["adjustments"])),
        credits={use["name"]: Decimal(use["amount"]) for use in made["credits"]},
        subtotal=Decimal(made["subtotal"]),
    )


def _charge(charge: Charge, currency: str) -> dict[str, Any]:
    return {
        "kind": charge.kind,
        "code": charge.code,
        "name": charge.name,
        "product": charge.product,
        "unit": charge.unit,
        "quantity": plain(charge.quantity),
        "billable_quantity": plain(charge.billable_quantity),
        "amount": money_text(charge.amount, currency),
        "discount": money_text(charge.discount, currency),
        "explanation": plain(charge.explanation),
    }


def _hidden(said: Mapping[str, Any]) -> dict[str, Any]:
    how = {**said["explanation"], **_NO_AMOUNTS, "charges": []}
    return {**said, "amount": None, "discount": None, "explanation": how}


def _all(made: Document) -> Iterator[Mapping[str, Any]]:
    for name in _CHARGES:
        yield from made[name]


def _adjustment(said: Mapping[str, Any]) -> Adjustment:
    return Adjustment(
        date.fromisoformat(said["period_start"]),
        said["kind"],
        said["code"],
        Decimal(said["amount"]),
    )
