"""Rich sample values for the volume page, for the tests and for looking at them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tallybook.web.pages.view import Chip, Column, Find, Link, ListControls, Money, Option, Pager
from tallybook.web.pages.volume_view import (
    AccountField,
    Attention,
    Charted,
    ServiceBar,
    VolumeFilters,
    VolumePage,
    VolumeRow,
    VolumeTable,
    VolumeTotal,
)
from tests.web.page_samples import FRESH, chart, daily_quantities, frame, periods, select, standing


def volume_rows() -> tuple[VolumeRow, ...]:
    def row(name: str, mean: int, allotment: int | None, **changes: Any) -> VolumeRow:
        at = standing(mean, allotment)
        return VolumeRow(
            name,
            "/accounts/x",
            "Messaging",
            at,
            remaining=None if at.allotment is None else max(at.allotment - at.used, Decimal(0)),
            recent=tuple(daily_quantities(mean, 21)),
            **changes,
        )

    limits = (14_000, 62_000, 8_000, 10_000, 9_300, 12_000, 36_000, 9_000, None, 7_350)
    names = "North South East West Central Coastal Metro Valley Lakes Hills".split()
    children = [
        row(f"Quarry Motors · {name}", 300 + 40 * i, limits[i], depth=1)
        for i, name in enumerate(names)
    ]
    top = row(
        "Quarry Motors Group",
        17_900,
        255_000,
        children=31,
        toggle_url="/volume?open=",
        expanded=True,
    )
    rest = [
        row(
            f"{name} {kind}",
            500 + 97 * i,
            (600 + 90 * i) * 25,
            children=i % 4 * 3,
            toggle_url="/volume?open=x" if i % 4 else "",
        )
        for i, (name, kind) in enumerate(
            (name, kind)
            for name in ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Hazel", "Juniper")
            for kind in ("Health", "Logistics", "Retail", "Bank", "Media")
        )
    ]
    return (top, *children, *rest[:39])


def volume_table() -> VolumeTable:
    columns = (
        Column("Account", "?sort=name", numeric=False),
        Column("Service", numeric=False, wide=True),
        Column("Used", "?sort=used"),
        Column("Allotment", "?sort=allotment", wide=True),
        Column("Of allotment", "?sort=percent", numeric=False),
        Column("Remaining", wide=True),
        Column("Forecast", "?sort=projected", wide=True),
        Column("Overage", "?sort=overage", order="descending", wide=True),
        Column("Daily", numeric=False, wide=True),
        Column("Status", numeric=False),
    )
    chips = (
        Chip("All", "?status=", current=True),
        Chip("Over", "?status=over", 78),
        Chip("Likely over", "?flag=likely_over", 250),
        Chip("Low use", "?flag=low_use", 147),
    )
    find = Find("/volume", hidden=(("service", "messaging"),))
    pager = Pager(1, 50, 2000, "", "?cursor=2")
    totals = tuple(
        VolumeTotal(
            "messages",
            currency,
            lines,
            Decimal(used),
            Decimal(used * 2),
            Decimal(used * 3),
            Decimal(used),
            (Money(Decimal(used) / 100, currency),),
        )
        for currency, lines, used in (("EUR", 20, 1_081_000), ("USD", 1980, 45_000_100))
    )
    controls = ListControls(chips, find, columns, pager, clear_url="/volume")
    return VolumeTable(2000, 2000, volume_rows(), totals, controls)


def without_amounts() -> VolumeTable:
    """The table as somebody sees it who may not see amounts."""
    table = volume_table()
    rows = (
        replace(row, standing=replace(at, forecast=replace(at.forecast, cost=())))
        for row in table.rows
        for at in [row.standing]
    )
    totals = (replace(total, cost=()) for total in table.totals)
    return replace(table, rows=tuple(rows), totals=tuple(totals), sees_prices=False)


_CHARTED = ("service", "standing", "chart", "attention")


def charted(**changes: Any) -> Charted:
    bars = (
        ("Identity checks", standing(265_000, 4_900_000, "checks")),
        ("Lead verification", standing(311_000, 8_600_000, "leads")),
        ("Document capture", standing(287_000, 11_380_000, "pages")),
        ("Messaging", standing(1_081_000, 30_400_000)),
        ("Storage", standing(9_000, None, "GiB")),
    )
    made = Charted(
        service="Messaging",
        standing=standing(1_081_000, 30_400_000),
        attention=Attention(78, 2, 248, 2000),
        chart=chart(1_081_000, 30_400_000),
        services=tuple(
            ServiceBar(name, f"?service={name}", at, name == "Messaging") for name, at in bars
        ),
    )
    return replace(made, **changes)


def volume(**changes: Any) -> VolumePage:
    page = VolumePage(
        frame=frame("Volume"),
        crumbs=(Link("Volume", "/volume"), Link("All accounts", "/volume")),
        freshness=FRESH,
        filters=VolumeFilters(
            "/volume",
            periods(),
            AccountField("", (Option("quarry", "Quarry Motors Group"),)),
            (
                select("Service", "All", "Messaging", "Identity checks"),
                select("Branch", "All", "West"),
                select("CSM", "All", "Nadia Berg"),
            ),
            (("period", "this"),),
        ),
        charted=charted(**{name: changes.pop(name) for name in _CHARTED if name in changes}),
        table=volume_table(),
    )
    return replace(page, **changes)


PAGES: dict[str, tuple[str, Any]] = {"volume": ("volume.html", volume())}
