"""How a check is found by its code, how its values are read, and what makes two findings the same.
Judges nothing.
"""

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, cast

import tallybook.alerts as room
from tallybook.model import limits
from tallybook.model.canonical import encode
from tallybook.model.check import Check, Found, Values, Variable
from tallybook.model.errors import Invalid, NotFound
from tallybook.model.kinds import load, names
from tallybook.model.quantity import EXACT, parse_decimal

_WHOLE: Final = {"days", "whole"}
_YES_NO: Final = {"true": True, "yes": True, "on": True, "false": False, "no": False, "": False}


def codes() -> tuple[str, ...]:
    """Return the codes of all checks, sorted: file names with their first underscore as a point."""
    return tuple(name.replace("_", ".", 1) for name in names(room))


def check(code: str) -> Check:
    """Return a check by its code.

    Raises:
        NotFound: `check_not_found`.
    """
    if code not in codes():
        raise NotFound("check_not_found", f"There is no check {code!r}; see GET /checks.")
    return cast("Check", load(room, code.replace(".", "_", 1)))


def read_values(found: Check, given: Mapping[str, object]) -> Values:
    """Return the values of a check's variables: those given, as texts or as JSON has them, and
    defaults for the others.

    Decimals may be fractions, `2/3`, divided to 28 digits.

    Raises:
        Invalid: `variable_unknown`, `value_invalid`, `value_missing`, `values_crossed`; `field`
            names the variable.
    """
    known = {variable.key: variable for variable in found.VARIABLES}
    for key in given:
        if key not in known:
            there = ", ".join(known) or "none"
            raise Invalid(
                "variable_unknown",
                f"This check has no variable {key!r}; there are: {there}.",
                field=f"values.{key}",
            )
    values: dict[str, Any] = {
        key: _value(variable, given[key]) if given.get(key) is not None else variable.default
        for key, variable in known.items()
    }
    for key, variable in known.items():
        if variable.required and values[key] in {None, ()}:
            raise Invalid("value_missing", f"{key} must be given.", field=f"values.{key}")
        above = values.get(variable.below or "")
        if values[key] is not None and above is not None and values[key] > above:
            raise Invalid(
                "values_crossed",
                f"{key} is {values[key]}, which is more than {variable.below}, {above}.",
                field=f"values.{key}",
            )
    return values


def plain_values(values: Values) -> dict[str, Any]:
    """Return values as JSON has them: decimals as texts, lists as lists."""
    return {key: _plain(value) for key, value in values.items()}


def fingerprint(code: str, found: Check, what: Found) -> str:
    """Return the SHA-256 of what a finding follows from: its check, entity, and each input that
    FINGERPRINT names, by value: 0.0160 is 0.016.
    """
    inputs = {name: _normal(what.inputs.get(name)) for name in found.FINGERPRINT}
    text = encode({"check": code, "entity": what.entity, "inputs": inputs})
    return hashlib.sha256(text.encode()).hexdigest()


def _value(variable: Variable, given: object) -> object:
    if variable.kind == "list":
        parts = given.split(",") if isinstance(given, str) else given
        if not isinstance(parts, (list, tuple)):
            raise _invalid(variable, "a list")
        if len(parts) > limits.LINES_MAX:
            raise _invalid(variable, f"a list of at most {limits.LINES_MAX}")
        items = (part.strip() if isinstance(part, str) else part for part in parts)
        return tuple(_one(variable, variable.of or "text", item) for item in items if item != "")
    return _one(variable, variable.kind, given)


def _one(variable: Variable, kind: str, given: object) -> object:
    if kind == "flag":
        read = given if isinstance(given, bool) else _YES_NO.get(str(given).casefold())
        if read is None:
            raise _invalid(variable, "true or false")
        return read
    if kind == "choice":
        if given not in variable.choices:
            raise _invalid(variable, f"one of {', '.join(variable.choices)}")
        return given
    if kind == "text":
        if not isinstance(given, str) or len(given) > limits.NAME_CHARS_MAX:
            raise _invalid(variable, "a text")
        return given
    number = _number(variable, str(given))
    if kind in _WHOLE and number != number.to_integral_value():
        raise _invalid(variable, "a whole number")
    low, high = variable.minimum, variable.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise _invalid(variable, _range(low, high))
    return int(number) if kind in _WHOLE else number


def _number(variable: Variable, text: str) -> Decimal:
    over, bar, under = text.partition("/")
    try:
        number = parse_decimal(over, field=variable.key)
        if bar:
            number = _divided(number, parse_decimal(under, field=variable.key))
    except (Invalid, ZeroDivisionError) as e:
        raise _invalid(variable, "a number such as 0.75 or 3/4") from e
    return number


def _divided(over: Decimal, under: Decimal) -> Decimal:
    found = Fraction(over) / Fraction(under)
    digits = EXACT.copy()
    digits.prec = limits.PRICE_DIGITS_MAX
    return digits.divide(Decimal(found.numerator), Decimal(found.denominator))


def _range(low: object, high: object) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"from {low} to {high}"


def _invalid(variable: Variable, wanted: str) -> Invalid:
    return Invalid(
        "value_invalid", f"{variable.key} must be {wanted}.", field=f"values.{variable.key}"
    )


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return f"{value:f}" if isinstance(value, Decimal) else value


def _normal(value: object) -> object:
    """Return a value in which numbers that are equal are the same text."""
    if isinstance(value, Mapping):
        return {str(key): _normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normal(item) for item in value]
    if isinstance(value, Decimal):
        return f"{value.normalize(EXACT):f}" if value else "0"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, (bool, str, type(None))) else str(value)


def every() -> Iterator[tuple[str, Check]]:
    """Yield all checks by code."""
    for code in codes():
        yield code, check(code)
