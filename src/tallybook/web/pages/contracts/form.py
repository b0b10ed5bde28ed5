"""The editor's fields and a contract's document, one made of the other. What has no field stays in
the document as it was; a field's name is the path of its term, such as `lines.0.price.model`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tallybook.web.pages.contracts.edit_view import Field, Part, Section

Kind = Literal["text", "date", "choice", "tick", "whole", "names", "tiers", "included"]
Document = dict[str, Any]

#: Parts of a list that have fields; more are in the document's text.
PARTS_MAX: Final = 20
_NO_END: Final = "*"
_UNLIMITED: Final = "unlimited"
_CYCLE: Final = (("", "as billing"), ("day", "day"), ("week", "week"), ("month", "month"),
                 ("year", "year"), ("term", "term"))  # fmt: skip
_UNIT: Final = (("", "–"), *_CYCLE[1:-1])
_MODELS: Final = tuple(
    (name, name.replace("_", " ") or "no price")
    for name in ("", "per_unit", "flat", "graduated", "volume", "stairstep", "package",
                 "percentage", "graduated_percentage", "matrix")
)  # fmt: skip
_TIERS: Final = "A tier a line: up to, each, flat; * has no end"


@dataclass(frozen=True, slots=True)
class Spec:
    """One field: the path of its term below its section, and how it is asked for."""

    path: str
    label: str
    kind: Kind = "text"
    choices: tuple[tuple[str, str], ...] = ()
    hint: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A section: fields of the document, or with `key` of each part of a list."""

    title: str
    fields: tuple[Spec, ...]
    key: str = ""
    one: str = ""


def _cycle(hint: str = "") -> tuple[Spec, Spec]:
    return (
        Spec("cycle_length", "Every", "whole", hint=hint, default="1"),
        Spec("cycle_unit", "Cycle", "choice", _CYCLE),
    )


_TERM: Final = (
    Spec("name", "Name"),
    Spec("type", "Type"),
    Spec("status", "Status", "choice", tuple((n, n) for n in ("draft", "active", "ended"))),
    Spec("start_date", "First day", "date"),
    Spec("end_date", "Last day", "date", hint="none: without end"),
    Spec("renewal.policy", "Then", "choice",
         (("none", "it ends"), ("auto", "it renews by itself"), ("ask", "ask before it ends"))),
    Spec("renewal.cycle_length", "Renews for", "whole", default="1"),
    Spec("renewal.cycle_unit", "Renewal cycle", "choice", _UNIT),
    Spec("bill_to", "Billed to", hint="an account's key"),
    Spec("bill_code", "Bill code"),
    Spec("branch", "Branch"),
    Spec("currency", "Currency", hint="the account's by default"),
    Spec("timezone", "Time zone", hint="the account's by default"),
    Spec("pooling", "Pooling", "choice", (("none", "own use only"), ("parent_pool", "one pool"),
                                          ("sum_of_children", "sum of the tree"))),
    Spec("csm.name", "CSM"),
    Spec("csm.email", "CSM’s e-mail"),
    Spec("sales_rep.name", "Sales rep"),
    Spec("sales_rep.email", "Sales rep’s e-mail"),
)  # fmt: skip
_BILLING: Final = (
    Spec("billing.cycle_length", "Every", "whole", default="1"),
    Spec("billing.cycle_unit", "Period", "choice", _UNIT[1:], default="month"),
    Spec("billing.cycle_start_date", "Counted from", "date", hint="the first day by default"),
    Spec("billing.timing", "Base charges", "choice",
         (("arrears", "in arrears"), ("advance", "in advance"))),
    Spec("billing.hold_above", "Hold a total above", hint="an amount"),
    Spec("billing.enabled", "Billing is switched on", "tick"),
)  # fmt: skip
_LINE: Final = (
    Spec("code", "Code"),
    Spec("name", "Name"),
    Spec("product", "Product"),
    Spec("meter", "Meter", hint="a meter’s key"),
    Spec("quantity", "Fixed quantity", hint="instead of a meter"),
    Spec("allotment.quantity", "Included", "included", hint="a number, or unlimited"),
    Spec("allotment.cycle_length", "Every", "whole", default="1"),
    Spec("allotment.cycle_unit", "Cycle", "choice", _CYCLE),
    Spec("free_quantity", "Free quantity", default="0"),
    Spec("discount_percent", "Percent off", default="0"),
    Spec("minimum_amount", "Minimum amount"),
    Spec("maximum_amount", "Maximum amount"),
    Spec("price.model", "Price", "choice", _MODELS),
)
#: What a price asks for, by its model; a matrix has too much for fields.
_PRICES: Final[Mapping[str, tuple[Spec, ...]]] = {
    "per_unit": (Spec("price.unit_amount", "Each"),),
    "flat": (Spec("price.amount", "Amount"),),
    "package": (
        Spec("price.package_size", "Package of"),
        Spec("price.package_amount", "Price of one"),
        Spec("price.rounding", "Counts", "choice", (("up", "started"), ("down", "full"))),
    ),
    "percentage": (
        Spec("price.rate", "Rate", hint="a fraction: 0.02 is 2%"),
        Spec("price.fixed_amount", "Fixed, an event"),
        Spec("price.min", "At least, an event"),
        Spec("price.max", "At most, an event"),
    ),
    "graduated": (Spec("price.tiers", "Tiers", "tiers", hint=_TIERS),),
    "volume": (Spec("price.tiers", "Tiers", "tiers", hint=_TIERS),),
    "stairstep": (Spec("price.tiers", "Tiers", "tiers", hint="A tier a line: up to, –, flat"),),
    "graduated_percentage": (
        Spec("price.tiers", "Tiers", "tiers", hint="A tier a line: up to, rate, flat"),
    ),
}
GROUPS: Final = (
    Group("Term", _TERM),
    Group("Billing", _BILLING),
    Group("Lines", _LINE, "lines", "line"),
    Group(
        "Meter groups",
        (
            Spec("name", "Name"),
            Spec("meters", "Meters", "names", hint="keys, with commas"),
            Spec("covered_quantity", "Covered", default="0"),
            *_cycle(),
            Spec("overage_rate", "Rate beyond"),
            Spec("overage_tiers", "Or tiers", "tiers", hint=_TIERS),
            Spec("overage_method", "Method", "choice",
                 (("bill", "bill"), ("allow_with_credit", "credit what is left"),
                  ("roll_forward", "take from the next"))),
            Spec("credit_rate", "Credit rate"),
        ),
        "meter_groups",
        "meter group",
    ),
    Group(
        "Base charges",
        (
            Spec("name", "Name"),
            Spec("amount", "Amount"),
            Spec("quantity", "Times", default="1"),
            *_cycle(),
            Spec("timing", "Billed", "choice",
                 (("", "as billing"), ("advance", "in advance"), ("arrears", "in arrears"))),
        ),
        "base_charges",
        "base charge",
    ),
    Group(
        "Commitments",
        (
            Spec("name", "Name"),
            Spec("amount", "At least"),
            *_cycle(),
            Spec("prorate", "By days on a stub", "tick"),
        ),
        "commitments",
        "commitment",
    ),
    Group(
        "Credits",
        (
            Spec("name", "Name"),
            Spec("amount", "Amount"),
            Spec("valid_from", "From", "date"),
            Spec("valid_to", "Through", "date"),
        ),
        "credits",
        "credit",
    ),
    Group(
        "Discounts",
        (
            Spec("name", "Name"),
            Spec("percent", "Percent"),
            Spec("amount", "Or amount"),
            Spec("lines", "On", "names", hint="codes with commas; all by default"),
        ),
        "discounts",
        "discount",
    ),
)  # fmt: skip


def sections(document: Mapping[str, Any], faults: Mapping[str, str]) -> Iterator[Section]:
    """Yield the editor's sections of a document; each list ends with an empty part to add."""
    for group in GROUPS:
        if not group.key:
            fields = tuple(_field(document, spec, spec.path, faults) for spec in group.fields)
            yield Section(group.title, fields)
            continue
        found = _parts(document, group) or ()
        parts = [_part(group, one, index, faults) for index, one in enumerate(found[:PARTS_MAX])]
        empty = _part(group, {}, len(found), faults) if len(found) < PARTS_MAX else None
        more = max(len(found) - PARTS_MAX, 0)
        yield Section(group.title, (), tuple(parts), empty, more, group.one)


def _part(group: Group, one: Mapping[str, Any], index: int, faults: Mapping[str, str]) -> Part:
    below = f"{group.key}.{index}"
    specs = (*group.fields, *_priced(group, one))
    fields = tuple(_field(one, spec, f"{below}.{spec.path}", faults) for spec in specs)
    title = str(one.get("code") or one.get("name") or "")
    is_matrix = group.key == "lines" and _model(one) == "matrix"
    note = "The cells of its price are in the document’s text." if is_matrix else ""
    return Part(below, title, fields, faults.get(below, ""), note)


def _priced(group: Group, one: Mapping[str, Any]) -> tuple[Spec, ...]:
    return _PRICES.get(_model(one), ()) if group.key == "lines" else ()


def _model(one: Mapping[str, Any]) -> str:
    price = one.get("price")
    return str(price.get("model") or "") if isinstance(price, Mapping) else ""


def _field(inside: Mapping[str, Any], spec: Spec, name: str, faults: Mapping[str, str]) -> Field:
    value = _at(inside, spec.path)
    shown = _shown(spec, inside, value)
    return Field(
        name,
        spec.label,
        spec.kind,
        shown,
        spec.choices,
        spec.hint,
        next((text for field, text in faults.items() if _covers(name, field, spec)), ""),
    )


def _covers(name: str, field: str, spec: Spec) -> bool:
    return field == name or (spec.kind in {"tiers", "names"} and field.startswith(f"{name}."))


def _at(inside: Any, path: str) -> Any:
    for name in path.split("."):
        inside = inside.get(name) if isinstance(inside, Mapping) else None
    return inside


def _shown(spec: Spec, inside: Mapping[str, Any], value: Any) -> str:
    """Write a term as the text of its field."""
    if spec.kind == "tick":
        return "on" if value or (value is None and spec.path.endswith("enabled")) else ""
    if spec.kind == "included" and value is None and isinstance(inside.get("allotment"), Mapping):
        return _UNLIMITED
    if value is None:
        return "" if spec.kind in {"tiers", "names", "included"} else spec.default
    if spec.kind == "names":
        return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)
    if spec.kind == "tiers":
        return "\n".join(_tier_text(one) for one in value) if isinstance(value, list) else ""
    return str(value)


def _tier_text(tier: Any) -> str:
    if not isinstance(tier, Mapping):
        return str(tier)
    end = _NO_END if tier.get("up_to") is None else str(tier["up_to"])
    each, flat = tier.get("unit_amount", tier.get("rate")), tier.get("flat_amount")
    said = [end, "-" if each is None else str(each)]
    return " ".join([*said, str(flat)] if flat is not None and flat != "0" else said)


def document(base: Mapping[str, Any], fields: Mapping[str, str]) -> Document:
    """Return a document with what the fields say; terms without a field stay as they are."""
    made: Document = dict(base)
    for group in GROUPS:
        if group.key:
            old = _parts(made, group)
            if old is not None:
                made[group.key] = _listed(group, old, fields)
        else:
            for spec in group.fields:
                _take(made, spec, spec.path, fields)
    return {name: value for name, value in made.items() if value != [] or name in base}


def _parts(document: Mapping[str, Any], group: Group) -> Sequence[Mapping[str, Any]] | None:
    """Return the parts of a list; None for what is no list of objects, which has no fields."""
    found = document.get(group.key) or []
    is_list = isinstance(found, list) and all(isinstance(one, Mapping) for one in found)
    return found if is_list else None


def _listed(group: Group, old: Sequence[Any], fields: Mapping[str, str]) -> list[Any]:
    kept = []
    for index in range(min(len(old) + 1, PARTS_MAX)):
        below = f"{group.key}.{index}"
        is_new = index >= len(old)
        if f"{below}.remove" in fields or (is_new and not _is_said(group, below, fields)):
            continue
        part: Document = {} if is_new else dict(old[index])
        for spec in group.fields:
            _take(part, spec, f"{below}.{spec.path}", fields)
        if group.key == "lines":
            _price(part, below, fields)
        kept.append(part)
    return [*kept, *old[PARTS_MAX:]]


def _is_said(group: Group, below: str, fields: Mapping[str, str]) -> bool:
    """Tell whether somebody wrote into an empty part: what stands there by default is nothing."""
    return any(
        fields.get(f"{below}.{spec.path}", "").strip() not in {"", spec.default}
        for spec in group.fields
        if spec.kind not in {"choice", "tick"}
    )


def _price(part: Document, below: str, fields: Mapping[str, str]) -> None:
    """Read a line's price by its model; another model has none of the terms of the one before."""
    model = fields.get(f"{below}.price.model")
    if model is None:
        return
    if not model:
        part.pop("price", None)
        return
    old = part.get("price")
    price: Document = dict(old) if isinstance(old, Mapping) else {}
    if fields.get(f"{below}.price.was") not in {None, model}:
        price = {}
    part["price"] = {**price, "model": model}
    for spec in _PRICES.get(model, ()):
        _take(part, spec, f"{below}.{spec.path}", fields, model)


def _take(
    inside: Document, spec: Spec, name: str, fields: Mapping[str, str], model: str = ""
) -> None:
    """Put one field's text where its term is; an empty one takes the term out."""
    if spec.kind == "tick":
        if f"{name}.seen" in fields:
            _put(inside, spec.path, name in fields)
        return
    if name not in fields or spec.path == "price.model":
        return
    text = fields[name].replace("\r\n", "\n").strip()
    if text == _shown(spec, inside, _at(inside, spec.path)).strip():
        return  # what nobody changed stays as it was written
    if spec.kind == "included":
        _include(inside, text)
    elif not text:
        _put(inside, spec.path, None)
    elif spec.kind == "tiers":
        _put(inside, spec.path, [_tier(line, model) for line in text.splitlines() if line.strip()])
    elif spec.kind == "names":
        _put(inside, spec.path, [one.strip() for one in text.split(",") if one.strip()])
    elif spec.kind == "whole":
        _put(inside, spec.path, int(text) if text.isascii() and text.isdecimal() else text)
    else:
        _put(inside, spec.path, text)


def _include(line: Document, text: str) -> None:
    if not text:
        line.pop("allotment", None)
    else:
        _put(line, "allotment.quantity", None if text == _UNLIMITED else text, keep=True)


def _tier(text: str, model: str) -> Document:
    words = text.replace(",", " ").split()
    each = "rate" if model == "graduated_percentage" else "unit_amount"
    tier: Document = {} if words[0] == _NO_END else {"up_to": words[0]}
    if len(words) > 1 and words[1] != "-":
        tier[each] = words[1]
    if once := " ".join(words[2:]):
        tier["flat_amount"] = once
    return tier


def _put(inside: Document, path: str, value: Any, *, keep: bool = False) -> None:
    """Set a term below a document; None takes it out, unless it is to stand as null."""
    *above, last = path.split(".")
    for name in above:
        old = inside.get(name)
        if not isinstance(old, Mapping):
            if value is None and not keep:
                return
            old = {}
        inside[name] = dict(old)
        inside = inside[name]
    if value is None and not keep:
        inside.pop(last, None)
    else:
        inside[last] = value
