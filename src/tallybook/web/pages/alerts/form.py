"""The form of a subscription: its fields, with what somebody filled in or with what it is set to,
and what they ask for. Reads and writes nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from tallybook.model.alert import Subscription
from tallybook.model.check import Check, Variable
from tallybook.model.errors import TallybookError
from tallybook.model.schedule import PRESETS, preset_of
from tallybook.model.scope import Role
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.view import Field, SubscriptionForm
from tallybook.web.pages.view import Option

_KINDS: Final = {"flag": "flag", "choice": "choice", "list": "text"}
_SPLITS: Final = (
    ("none", "One mail"),
    ("branch", "One a branch"),
    ("recipient", "One a recipient"),
)
#: Recipients that the form has as texts with commas between them.
_LISTS: Final = ("to", "cc", "bcc", "users", "roles", "webhooks")


def form_of(check: Check, said: Mapping[str, str]) -> SubscriptionForm:
    """Return the form with what stands in it; what is not said is as the check has it."""
    return SubscriptionForm(
        tuple(_variable(variable, said) for variable in check.VARIABLES),
        _narrowing(said),
        _schedule(check, said),
        _recipients(said),
        _more(said),
    )


def said_of(one: Subscription) -> dict[str, str]:
    """Return what a subscription is set to, as its form would say it."""
    recipients = one.recipients
    preset = preset_of(one.cron)
    flags = {
        "csm": recipients.csm,
        "sales_rep": recipients.sales_rep,
        "test": one.mode == "test",
        "sends_empty": one.sends_empty,
    }
    return {
        **{f"v.{name}": _text(value) for name, value in one.values.items()},
        **{name: ", ".join(getattr(recipients, name)) for name in _LISTS},
        **{name: "true" for name, is_set in flags.items() if is_set},
        "accounts": ", ".join(one.accounts),
        "branches": ", ".join(one.branches),
        "preset": preset or "",
        "cron": "" if preset else one.cron,
        "timezone": one.timezone,
        "name": one.name,
        "subject": one.subject,
        "split_by": one.split_by,
        "digest": one.digest or "",
    }


def body_of(said: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form asks for, as the API has it."""
    times = {"cron": said["cron"]} if said.get("cron") else {"preset": said.get("preset") or None}
    named = {"name": said["name"]} if said.get("name") else {}
    lists = {name: list_of(said, name) for name in _LISTS}
    return {
        **named,
        "values": {n.removeprefix("v."): v for n, v in said.items() if n[:2] == "v." and v},
        "accounts": list_of(said, "accounts"),
        "branches": list_of(said, "branches"),
        "schedule": {**times, "timezone": said.get("timezone") or "UTC"},
        "recipients": {**lists, "csm": "csm" in said, "sales_rep": "sales_rep" in said},
        "subject": said.get("subject", ""),
        "split_by": said.get("split_by") or "none",
        "mode": "test" if "test" in said else "live",
        "digest": said.get("digest") or None,
        "sends_empty": "sends_empty" in said,
    }


def list_of(said: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the parts of a text with commas between them."""
    return tuple(part for part in (p.strip() for p in said.get(name, "").split(",")) if part)


def with_fault(form: SubscriptionForm, fault: TallybookError) -> SubscriptionForm:
    """Say a fault beside the field that it names."""
    named = str(fault.facts.get("field", "")).replace("values.", "v.").rpartition("recipients.")[2]
    named = named.removeprefix("schedule.").partition(".0")[0]

    def told(fields: tuple[Field, ...]) -> tuple[Field, ...]:
        return tuple(
            replace(one, fault=fault.detail) if one.name == named else one for one in fields
        )

    return SubscriptionForm(
        told(form.variables),
        told(form.narrowing),
        told(form.schedule),
        told(form.recipients),
        told(form.more),
    )


def _variable(variable: Variable, said: Mapping[str, str]) -> Field:
    name = f"v.{variable.key}"
    default = _text(variable.default)
    hint = f"{default} by default" if default and variable.kind != "flag" else ""
    if variable.letter:
        hint = f"{hint} · variable {variable.letter}".lstrip(" ·")
    options = tuple(Option(c, c, c == said.get(name, default)) for c in variable.choices)
    return Field(
        name,
        variable.title,
        variable.help,
        _KINDS.get(variable.kind, "text"),  # type: ignore[arg-type]  # the kinds of `Field`
        said.get(name, "" if variable.kind == "flag" else default),
        hint,
        options,
        required=variable.required,
    )


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    if value is True:
        return "true"
    return "" if value is None or value is False else str(value)


def _narrowing(said: Mapping[str, str]) -> tuple[Field, ...]:
    return (
        _typed(
            said, "accounts", "Accounts", "Keys with commas, each with its tree; all by default."
        ),
        _typed(said, "branches", "Branches", "With commas; all by default."),
    )


def _schedule(check: Check, said: Mapping[str, str]) -> tuple[Field, ...]:
    chosen = said.get("preset", check.SCHEDULE)
    presets = tuple(Option(name, words.TIMES[name], name == chosen) for name in PRESETS)
    cron = "Five fields such as 0 7 * * 1-5, in place of the above."
    zone = "An IANA zone such as Europe/Berlin."
    return (
        Field("preset", "Schedule", "By the clock of the zone.", "choice", chosen, options=presets),
        _typed(said, "cron", "Or cron", cron),
        Field("timezone", "Zone", zone, "text", said.get("timezone", "UTC")),
    )


def _recipients(said: Mapping[str, str]) -> tuple[Field, ...]:
    whom = "Addresses with commas. Each mail shows only what its reader may see."
    split = said.get("split_by", "none")
    options = tuple(Option(value, label, value == split) for value, label in _SPLITS)
    return (
        _typed(said, "name", "Name", "What mails call it; the check's title by default."),
        _typed(said, "to", "To", whom),
        _typed(said, "cc", "Copy to", "With commas."),
        _flag(said, "csm", "The CSM", "Of each contract found."),
        _flag(said, "sales_rep", "The sales rep", "Of each."),
        Field(
            "split_by", "Split", "How findings are put into mails.", "choice", split, "", options
        ),
        _flag(said, "test", "Only try it", "Mails go to its owner alone."),
    )


def _more(said: Mapping[str, str]) -> tuple[Field, ...]:
    roles = ", ".join(get_args(Role))
    return (
        _typed(said, "subject", "Subject", "Of its mails; its name and how many by default."),
        _typed(said, "digest", "Digest", "Yours with the same digest go out in one mail."),
        _typed(said, "bcc", "Blind copy to", "With commas; nobody else sees them."),
        _typed(said, "users", "Users", "By address, with commas; told while they are users."),
        _typed(said, "roles", "Roles", f"Their users, each of their branches: {roles}."),
        _typed(said, "webhooks", "Webhooks", "By id, with commas."),
        _flag(said, "sends_empty", "Also when nothing is found", "A mail says that all is well."),
    )


def _typed(said: Mapping[str, str], name: str, label: str, explained: str) -> Field:
    return Field(name, label, explained, "text", said.get(name, ""))


def _flag(said: Mapping[str, str], name: str, label: str, explained: str) -> Field:
    return Field(name, label, explained, "flag", said.get(name, ""))
