"""The form of a subscription: its fields, with what somebody filled in or with what it is set to,
and what they ask for. Reads and writes nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, get_args

from tallybook.model.alert import Subscription
from tallybook.model.check import Check, Variable
from tallybook.model.errors import TallybookError
from tallybook.model.schedule import PRESETS, preset_of
from tallybook.model.scope import Role
from tallybook.web.pages.alerts import words
from tallybook.web.pages.alerts.view import Field, Kind, SubscriptionForm
from tallybook.web.pages.view import Option

#: What ends a line of a form.
_LINE: Final = re.compile(r"\r?\n")
#: Where in a list a fault is: its form has one field for all of it.
_PLACE: Final = re.compile(r"\.\d+$")
_SPLITS: Final = (
    ("none", "One mail"),
    ("branch", "One a branch"),
    ("recipient", "One a recipient"),
)
#: Recipients that the form has as texts with commas between them: none has a comma in it.
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


def said_of(check: Check, one: Subscription) -> dict[str, str]:
    """Return what a subscription is set to, as its form would say it: sent as it is, it changes
    nothing.
    """
    recipients = one.recipients
    preset = preset_of(one.cron)
    flags = {
        "csm": recipients.csm,
        "sales_rep": recipients.sales_rep,
        "test": one.mode == "test",
        "sends_empty": one.sends_empty,
    }
    return {
        **{f"v.{variable.key}": _text(variable, one.values) for variable in check.VARIABLES},
        **{name: ", ".join(getattr(recipients, name)) for name in _LISTS},
        **{name: "true" for name, is_set in flags.items() if is_set},
        "accounts": ", ".join(one.accounts),
        "branches": "\n".join(one.branches),
        "preset": preset or "",
        "cron": "" if preset else one.cron,
        "timezone": one.timezone,
        "name": one.name,
        "subject": one.subject,
        "split_by": one.split_by,
        "digest": one.digest or "",
    }


def body_of(check: Check, said: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form asks for, as the API has it."""
    times = {"cron": said["cron"]} if said.get("cron") else {"preset": said.get("preset") or None}
    named = {"name": said["name"]} if said.get("name") else {}
    lists = {name: _parts(said.get(name, "")) for name in _LISTS}
    return {
        **named,
        **looked_at(check, said),
        "schedule": {**times, "timezone": said.get("timezone") or "UTC"},
        "recipients": {**lists, "csm": "csm" in said, "sales_rep": "sales_rep" in said},
        "subject": said.get("subject", ""),
        "split_by": said.get("split_by") or "none",
        "mode": "test" if "test" in said else "live",
        "digest": said.get("digest") or None,
        "sends_empty": "sends_empty" in said,
    }


def looked_at(check: Check, said: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form has a check look at: the values of its variables, accounts and branches.
    An empty field is the default of its variable; that of a list is an empty list.
    """
    values: dict[str, Any] = {}
    for variable in check.VARIABLES:
        text = said.get(f"v.{variable.key}")
        if variable.kind == "list" and text is not None:
            values[variable.key] = _items(variable, text)
        elif text:
            values[variable.key] = text
    return {
        "values": values,
        "accounts": _parts(said.get("accounts", "")),
        "branches": _lines(said.get("branches", "")),
    }


def with_fault(form: SubscriptionForm, fault: TallybookError) -> SubscriptionForm:
    """Say a fault beside the field that it names."""
    named = str(fault.facts.get("field", "")).replace("values.", "v.").rpartition("recipients.")[2]
    named = _PLACE.sub("", named.removeprefix("schedule."))

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
    name, kind = f"v.{variable.key}", _kind(variable)
    default = _text(variable, {variable.key: variable.default})
    hint = f"{', '.join(_lines(default))} by default" if default and kind != "flag" else ""
    if variable.letter:
        hint = f"{hint} · variable {variable.letter}".lstrip(" ·")
    options = tuple(Option(c, c, c == said.get(name, default)) for c in variable.choices)
    return Field(
        name,
        variable.title,
        variable.help,
        kind,
        said.get(name, "" if kind == "flag" else default),
        hint,
        options,
        required=variable.required,
    )


def _kind(variable: Variable) -> Kind:
    """Return how a variable is entered; texts, with a comma in them or not, one a line."""
    match variable.kind:
        case "flag" | "choice" as kind:
            return kind
        case "list" if variable.of == "text":
            return "lines"
        case _:
            return "text"


def _text(variable: Variable, values: Mapping[str, Any]) -> str:
    value = values.get(variable.key)
    if variable.kind == "list":
        return ("\n" if _kind(variable) == "lines" else ", ").join(map(str, value or ()))
    if value is True:
        return "true"
    return "" if value is None or value is False else str(value)


def _items(variable: Variable, text: str) -> tuple[str, ...]:
    return _lines(text) if _kind(variable) == "lines" else _parts(text)


def _lines(text: str) -> tuple[str, ...]:
    """Return the lines of a text that say something."""
    return tuple(filter(str.strip, _LINE.split(text)))


def _parts(text: str) -> tuple[str, ...]:
    """Return the parts of a text with commas between them."""
    return tuple(filter(None, map(str.strip, text.split(","))))


def _narrowing(said: Mapping[str, str]) -> tuple[Field, ...]:
    return (
        _typed(
            said, "accounts", "Accounts", "Keys with commas, each with its tree; all by default."
        ),
        Field(
            "branches", "Branches", "One a line; all by default.", "lines", said.get("branches", "")
        ),
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
