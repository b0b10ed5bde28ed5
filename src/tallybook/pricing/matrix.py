"""Price model `matrix`: every unit costs what the event's values of one or two properties say."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from tallybook.model import limits, nouns
from tallybook.model.nouns import Document, Noun, Path
from tallybook.model.price import Billable, Part
from tallybook.model.quantity import EXACT
from tallybook.model.reading import shown
from tallybook.pricing._shape import ZERO, Rate, fault


def _value(value: Any) -> Any:
    return shown(value) if isinstance(value, (int, Decimal)) else value


def _different(paths: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(paths)) < len(paths):
        raise ValueError("two dimensions are the same; name another, or only one")
    return paths


Value = Annotated[str | None, BeforeValidator(_value)]


class Default(Noun):
    """What a unit costs whose values no cell names."""

    unit_amount: Rate


class Cell(Default):
    """What a unit costs whose event has these values; null is an event without the property."""

    values: tuple[Value, ...]


class Matrix(Noun):
    """Cells of a unit amount, by the values of one or two properties in the order of `dimensions`.

    `default` is required: nothing that was used goes without a price unless it says so itself.
    """

    BY_EVENT: ClassVar = True

    model: Literal["matrix"] = "matrix"
    dimensions: Annotated[
        tuple[Path, ...], Field(min_length=1, max_length=2), AfterValidator(_different)
    ]
    cells: Annotated[tuple[Cell, ...], Field(min_length=1, max_length=limits.CELLS_MAX)]
    default: Default

    @model_validator(mode="after")
    def _cells_fit(self) -> Self:
        seen = set()
        for index, cell in enumerate(self.cells):
            field = ("cells", index, "values")
            if len(cell.values) != len(self.dimensions):
                raise fault(field, f"name one value for each of {len(self.dimensions)} dimensions")
            if cell.values in seen:
                raise fault(field, "another cell has these values")
            seen.add(cell.values)
        return self

    @cached_property
    def _index(self) -> Mapping[tuple[str | None, ...], int]:
        return {cell.values: index for index, cell in enumerate(self.cells)}

    def charge(self, use: Billable) -> Decimal:
        """Return the sum over the cells."""
        amount = ZERO
        for part in self.parts(use):
            amount = EXACT.add(amount, part.amount)
        return amount

    def parts(self, use: Billable) -> tuple[Part, ...]:
        """Return one part for each cell met, counted as in the document, the default last; their
        quantities add up to the whole.
        """
        met: dict[int, Decimal] = {}
        for event in use.events:
            index = self._index.get(event.values, len(self.cells))
            met[index] = EXACT.add(met.get(index, ZERO), event.quantity)
        return tuple(self._part(index, met[index]) for index in sorted(met))

    def _part(self, index: int, quantity: Decimal) -> Part:
        cell = self.cells[index] if index < len(self.cells) else None
        unit_amount = cell.unit_amount if cell else self.default.unit_amount
        amount = EXACT.multiply(quantity, unit_amount)
        return Part(
            index, quantity, unit_amount, None, amount, values=cell.values if cell else None
        )


def parse(document: Document) -> Matrix:
    """Read the price of a line.

    Raises:
        Invalid: `document_invalid`, naming the field at fault.
    """
    return nouns.parse(Matrix, document)
