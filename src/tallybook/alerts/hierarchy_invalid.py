"""Check `hierarchy.invalid`: whether a tree of accounts, or what contracts make of it, is odd."""

from collections.abc import Iterator
from itertools import chain

from tallybook.alerts._statements import branch_of
from tallybook.alerts._terms import today
from tallybook.model.check import Column, Found, RepeatPolicy, Unjudged, Values
from tallybook.model.schedule import Preset
from tallybook.model.view import View
from tallybook.positions.self_check import Finding, of_contract, of_links

TITLE = "Tree of accounts is odd"
FINDS = (
    "Accounts whose parents lead in a circle, are missing or closed, units that clash within a "
    "pool, and lines that two contracts count."
)
TIPS = ("Open the account's self-check for all that is odd about it.",)
VARIABLES = ()
COLUMNS = (Column("what", "What"), Column("next_step", "What to do"))
FINGERPRINT = ("what",)
POLICY: RepeatPolicy = "every_run"
SCHEDULE: Preset = "weekday_mornings"
RELATED = ("contract.setup_incomplete",)
_OF_TREES = {"child_has_contract", "in_a_pool", "pool_unit_clash", "unit_clash"}


def find(view: View, _values: Values) -> Iterator[Found | Unjudged]:
    """Yield what `positions.self_check` finds of links, and of pools in contracts."""
    links = of_links(view.directory, view.accounts(), view.now.date())
    pools = (
        finding
        for number, day, _ in today(view)
        for finding in of_contract(view.directory, number, day, up=True)
        if finding.code in _OF_TREES
    )
    told: set[tuple[str, str]] = set()
    for finding in chain(links, pools):
        found = _found(view, finding)
        if (found.entity, found.step) not in told:
            told.add((found.entity, found.step))
            yield found


def _found(view: View, finding: Finding) -> Found:
    contract = finding.contract
    return Found(
        entity=contract or finding.account,
        account=finding.account,
        state=finding.code,
        message=finding.detail,
        inputs={"what": finding.code},
        outputs={"next_step": finding.next_step},
        severity="critical" if finding.severity == "problem" else "notice",
        contract=contract,
        branch=branch_of(view, contract) if contract else None,
        step=f"{finding.code} {finding.field or ''}".strip(),
    )
