"""The catalogue of checks, and what one finds now. Stores nothing and tells nobody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from tallybook.alerts import _check
from tallybook.model import limits
from tallybook.model.alert import Finding
from tallybook.model.check import Check, Found, Unjudged, Values
from tallybook.model.directory import Directory
from tallybook.model.errors import Forbidden, NotFound
from tallybook.model.mark import Mark
from tallybook.model.nouns import Key, Name, Noun
from tallybook.model.scope import Scope
from tallybook.operations._shown import sees_amounts_of
from tallybook.operations.view import Sight, Sources

#: What customers may ask about; the rest is about how the vendor set up contracts.
FOR_CUSTOMERS: Final = frozenset(
    {"allotment", "overage", "usage", "prepaid", "pool", "spend", "volume"}
)
AskedValues = Annotated[dict[Name, Any], Field(max_length=limits.DIMENSIONS_MAX)]
Keys = Annotated[tuple[Key, ...], Field(max_length=limits.LINES_MAX)]
Branches = Annotated[tuple[Name, ...], Field(max_length=limits.LINES_MAX)]

T = TypeVar("T", Found, Finding)


class NewPreview(Noun):
    """What is asked of a preview: values, and what to look at; empty is all."""

    values: AskedValues = Field(default_factory=dict)
    accounts: Keys = ()
    branches: Branches = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A check as the catalogue lists it; `category` is what stands before the point."""

    code: str
    check: Check

    @property
    def category(self) -> str:
        """Return what stands before the point of the code."""
        return self.code.partition(".")[0]

    @property
    def title(self) -> str:
        """Return what it is called."""
        return self.check.TITLE

    @property
    def finds(self) -> str:
        """Return what it finds, in a sentence."""
        return self.check.FINDS


@dataclass(frozen=True, slots=True)
class Preview:
    """What a check finds now, the dearest first, and what it cannot judge: at most
    `limits.PREVIEW_FINDINGS_MAX` of each; `found` counts all.

    `evaluated` counts the contracts that were looked at.
    """

    listed: Listed
    values: Values
    findings: tuple[Found, ...]
    unjudged: tuple[Unjudged, ...]
    found: int
    evaluated: int
    known_at: Mark


@dataclass(frozen=True, slots=True)
class Evaluated:
    """All that a check says, and how many contracts it looked at."""

    said: tuple[Found | Unjudged, ...]
    evaluated: int


def catalogue(scope: Scope) -> tuple[Listed, ...]:
    """Return the checks the scope may run, by code.

    Raises:
        Forbidden: `verb_not_allowed`.
    """
    scope.require("read")
    every = (Listed(code, check) for code, check in _check.every())
    return tuple(one for one in every if not scope.is_customer or one.category in FOR_CUSTOMERS)


def visible(scope: Scope) -> frozenset[str] | None:
    """Return the codes of the checks whose findings the scope may see; None is all."""
    if not scope.is_customer:
        return None
    return frozenset(one.code for one in catalogue(scope))


def listed(scope: Scope, code: str) -> Listed:
    """Return a check of the catalogue.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `check_not_found`.
    """
    scope.require("read")
    found = Listed(code, _check.check(code))
    if scope.is_customer and found.category not in FOR_CUSTOMERS:
        raise NotFound("check_not_found", f"There is no check {code!r}; see GET /checks.")
    return found


def values_of(scope: Scope, found: Listed, given: Mapping[str, object]) -> Values:
    """Return the values of a check's variables, those given and defaults for the others.

    Raises:
        Forbidden: `value_not_allowed`: who sees no prices would find one by trying amounts.
        Invalid: as `alerts._check.read_values`.
    """
    values = _check.read_values(found.check, given)
    for variable in () if scope.sees_prices else found.check.VARIABLES:
        if variable.key in money_of(found.check) and values[variable.key] != variable.default:
            raise Forbidden(
                "value_not_allowed",
                f"Your role sees no prices and cannot set {variable.key}; leave it out.",
                field=f"values.{variable.key}",
            )
    return values


def preview(
    scope: Scope,
    sources: Sources,
    directory: Directory,
    mark: Mark,
    code: str,
    asked: NewPreview,
) -> Preview:
    """Return what a check finds now with the values asked for, of what the scope may see.

    Raises:
        Forbidden: `verb_not_allowed`, `value_not_allowed`.
        NotFound: `check_not_found`, `account_not_found`.
        Invalid: as `alerts._check.read_values`.
    """
    found = listed(scope, code)
    values = values_of(scope, found, asked.values)
    view = sight(scope, sources, directory, mark, asked.accounts, asked.branches)
    result = evaluate(view, found.check, values)
    findings = [one for one in result.said if isinstance(one, Found)]
    findings.sort(key=lambda one: (one.currency or "~", -(one.money_at_risk or 0), one.entity))
    unjudged = [one for one in result.said if isinstance(one, Unjudged)]
    shown = findings[: limits.PREVIEW_FINDINGS_MAX]
    return Preview(
        found,
        values,
        tuple(told(scope, directory, found.check, one) for one in shown),
        tuple(unjudged[: limits.PREVIEW_FINDINGS_MAX]),
        len(findings),
        result.evaluated,
        mark,
    )


def sight(
    scope: Scope,
    sources: Sources,
    directory: Directory,
    mark: Mark,
    accounts: Collection[str] = (),
    branches: Collection[str] = (),
    last: datetime | None = None,
) -> Sight:
    """Return what a check may look at for somebody: prices too, as they are hidden afterwards.
    `last` is when it last did.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `account_not_found`.
    """
    scope.require("read")
    priced = scope if scope.sees_prices else replace(scope, role="finance")
    return Sight(priced, sources, directory, mark, accounts, branches, last)


def evaluate(view: Sight, check: Check, values: Values) -> Evaluated:
    """Return all that a check says of what is looked at."""
    said = tuple(_placed(view, one) for one in check.find(view, values))
    return Evaluated(said, len(view.contracts()))


def _placed(view: Sight, one: Found | Unjudged) -> Found | Unjudged:
    """Return what was found with a branch, for whoever is told of branches."""
    if isinstance(one, Unjudged) or one.branch is not None:
        return one
    return replace(one, branch=view.branch_of(one.account, one.contract))


def told(scope: Scope, directory: Directory, check: Check, found: T) -> T:
    """Return a finding as the scope may see it: without prices, only what the columns of its check
    show that is no money is left, and no step that is an amount.
    """
    sees = (
        sees_amounts_of(scope, directory, found.contract) if found.contract else scope.sees_prices
    )
    if sees:
        return found
    shown = {column.key for column in check.COLUMNS if column.kind != "money"}
    return replace(
        found,
        inputs={name: value if name in shown else None for name, value in found.inputs.items()},
        outputs={name: value if name in shown else None for name, value in found.outputs.items()},
        money_at_risk=None,
        step="" if _is_amount(check, found) else found.step,
    )


def money_of(check: Check) -> frozenset[str]:
    """Return the keys of a check's variables that are amounts."""
    variables = check.VARIABLES
    return frozenset(one.key for one in variables if "money" in {one.kind, one.of})


def _is_amount(check: Check, found: Found | Finding) -> bool:
    """Tell whether a step is what a column of money says."""
    sums = (found.inputs.get(one.key) for one in check.COLUMNS if one.kind == "money")
    return found.step in {f"{Decimal(str(one)).normalize():f}" for one in sums if one is not None}
