"""Charts: exact coordinates, the order of layers, and the inputs that break charts elsewhere."""

import re
from decimal import Decimal
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallybook.web.charts import bar, cumulative, daily, spark
from tallybook.web.charts.axis import NARROW, WIDE, Frame, Scale, compact, pixel, ticks
from tallybook.web.charts.cumulative import Cumulative
from tallybook.web.charts.daily import Daily

SQUARE = Frame("wide", 120, 120, left=10, right=10, top=10, bottom=10, ticks=5, labels=8)


def decimals(*values: object) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(value)) for value in values)


def classes(markup: str) -> list[str]:
    """The class of every drawn shape, back to front."""
    return re.findall(r'<(?:path|rect|circle|line) class="([a-z-]+)', markup)


def parse(markup: str) -> ET.Element:
    return ET.fromstring(markup)  # noqa: S314 - our own drawing


def attributes(markup: str, name: str) -> dict[str, str]:
    """The attributes of the first shape with that class."""
    for element in parse(markup).iter():
        if element.get("class") == name:
            return dict(element.attrib)
    raise AssertionError(f"no {name} in {markup}")


def month(**changes: object) -> Cumulative:
    values = {
        "title": "Usage",
        "description": "As the table.",
        "captions": ("1 Nov", "2 Nov", "3 Nov", "4 Nov", "5 Nov"),
        "used": decimals(20, 40, 60),
        "forecast": decimals(80, 100),
        "low": decimals(75, 90),
        "high": decimals(85, 100),
        "previous": decimals(10, 20, 30, 40, 50),
        "allotment": Decimal(50),
        "allotment_label": "Allotment 50",
    }
    return Cumulative(**{**values, **changes})  # type: ignore[arg-type] # changes by name


# --- Axis ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 100, (0, 20, 40, 60, 80, 100)),
        (0, 101, (0, 25, 50, 75, 100, 125)),
        (0, 7, (0, 2, 4, 6, 8)),
        (0, "0.03", (0, "0.01", "0.02", "0.03")),
        (-30, 60, (-40, -20, 0, 20, 40, 60)),
        (0, 0, (0, 1)),
        (5, 2, (0, 1)),
    ],
)
def test_ticks_are_round_and_enclose(low: object, high: object, expected: tuple[object]) -> None:
    made = ticks(Decimal(str(low)), Decimal(str(high)), 5)
    assert made == decimals(*expected)


AMOUNTS = st.decimals(0, Decimal("1E18"), allow_nan=False, places=12)


@given(AMOUNTS, AMOUNTS)
def test_ticks_enclose_any_span_around_zero_with_few_lines(below: Decimal, above: Decimal) -> None:
    made = ticks(-below, above, 5)
    assert made[0] <= -below
    assert above <= made[-1]
    assert 2 <= len(made) <= 8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (950, "950"),
        ("12.345", "12.3"),
        (1000, "1k"),
        (12_500, "12.5k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (22_707_766, "22.7M"),
        (-5_310_000, "-5.31M"),
        ("1E9", "1B"),
        ("2.5E12", "2.5T"),
        ("999999999999999", "1.00e15"),
        ("1.234E18", "1.23e18"),
        ("0.012", "0.012"),
    ],
)
def test_compact(value: object, expected: str) -> None:
    assert compact(Decimal(str(value))) == expected


def test_scale_maps_corners() -> None:
    line = Scale(SQUARE, 3, Decimal(0), Decimal(100))
    assert [line.x(i) for i in range(3)] == [10, 60, 110]
    assert [line.y(Decimal(v)) for v in (0, 50, 100)] == [110, 60, 10]
    columns = Scale(SQUARE, 4, Decimal(0), Decimal(1), columns=True)
    assert tuple(columns.x(i) for i in range(4)) == decimals("22.5", "47.5", "72.5", "97.5")
    assert Scale(SQUARE, 1, Decimal(0), Decimal(1)).x(0) == 60


def test_a_pixel_has_at_most_one_place() -> None:
    assert [str(pixel(Decimal(v))) for v in ("1.25", "2.04", "300")] == ["1.3", "2", "300"]


# --- Cumulative ---------------------------------------------------------------------------------


def test_cumulative_coordinates() -> None:
    markup = cumulative.draw(month(), SQUARE, "k")
    assert attributes(markup, "allotment")["d"] == "M10,60H110"
    assert attributes(markup, "used")["d"] == "M10,90L35,70L60,50"
    assert attributes(markup, "forecast")["d"] == "M60,50L85,30L110,10"
    assert attributes(markup, "band")["d"] == "M60,50L85,25L110,10L110,20L85,35Z"
    assert attributes(markup, "previous")["d"] == "M10,100L35,90L60,80L85,70L110,60"
    assert attributes(markup, "today")["d"] == "M60,10V110"
    assert attributes(markup, "above")["d"] == "M10,90L35,70L60,50L85,30L110,10V110H10Z"
    assert "M10,0H110V60H10Z" in markup, "the red part is cut at the allotment"
    assert '<text class="allotment-label" x="16" y="53">Allotment 50</text>' in markup


def test_cumulative_layers_from_back_to_front() -> None:
    drawn = classes(cumulative.draw(month(), SQUARE, "k"))
    assert drawn == [
        *["grid"] * 6,
        *["previous", "area", "band", "above", "allotment", "today", "forecast", "used", "dot"],
    ]


def test_places_are_where_the_lines_go() -> None:
    found = cumulative.places(month(), SQUARE)
    assert [x for x, _ in found] == [10, 35, 60, 85, 110]
    assert [y for _, y in found] == [90, 70, 50, 30, 10]


def test_cumulative_without_anything() -> None:
    markup = cumulative.draw(Cumulative("Usage", "", ()), WIDE, "k")
    assert set(classes(markup)) == {"grid"}
    assert 'role="img"' in markup


def test_cumulative_on_a_single_day() -> None:
    only = Cumulative("Usage", "", ("1 Nov",), used=decimals(7), allotment=Decimal(10))
    markup = cumulative.draw(only, SQUARE, "k")
    assert attributes(markup, "dot")["cx"] == "60"
    assert markup.count(">1 Nov</text>") == 1


def test_nothing_is_red_while_the_allotment_holds() -> None:
    markup = cumulative.draw(month(allotment=Decimal(100)), SQUARE, "k")
    assert "above" not in classes(markup)


def test_a_zero_allotment_is_drawn_on_the_floor() -> None:
    markup = cumulative.draw(month(allotment=Decimal(0), allotment_label="None"), SQUARE, "k")
    assert attributes(markup, "allotment")["d"] == "M10,110H110"
    assert "above" in classes(markup)


def test_without_allotment_there_is_no_line() -> None:
    drawn = classes(cumulative.draw(month(allotment=None, allotment_label=""), SQUARE, "k"))
    assert not {"allotment", "above"} & set(drawn)


def test_a_longer_previous_period_is_cut() -> None:
    markup = cumulative.draw(month(previous=decimals(*range(10, 90, 10))), SQUARE, "k")
    assert attributes(markup, "previous")["d"].count("L") == 4


def test_corrections_below_zero_stay_inside() -> None:
    markup = cumulative.draw(month(used=decimals(-50, 10, 20)), SQUARE, "k")
    ys = [Decimal(y) for y in re.findall(r",(-?[\d.]+)", attributes(markup, "used")["d"])]
    assert all(10 <= y <= 110 for y in ys)


@pytest.mark.parametrize("factor", ["1E-12", "1", "1E17", "1E30"])
def test_any_size_of_number_draws_the_same_picture(factor: str) -> None:
    grown = {
        name: tuple(value * Decimal(factor) for value in getattr(month(), name))
        for name in ("used", "forecast", "low", "high", "previous")
    }
    chart = month(**grown, allotment=50 * Decimal(factor))
    drawn = cumulative.draw(chart, SQUARE, "k")
    assert attributes(drawn, "used")["d"] == "M10,90L35,70L60,50"


@pytest.mark.parametrize("frame", [WIDE, NARROW])
def test_words_under_the_axis_keep_their_distance(frame: Frame) -> None:
    captions = tuple(f"{day} Nov" for day in range(1, 31))
    markup = cumulative.draw(Cumulative("", "", captions), frame, "k")
    places = [
        Decimal(x) for x in re.findall(r'<text class="tick" x="([\d.]+)"[^>]*>\d+ Nov', markup)
    ]
    gaps = [b - a for a, b in pairwise(places)]
    assert len(places) <= frame.labels + 1
    assert min(gaps) >= 50
    assert places[-1] == frame.end


def test_texts_are_escaped_and_ids_belong_to_one_drawing() -> None:
    evil = "<script>alert('x')</script>&\""
    chart = month(title=evil, description=evil, captions=(evil,) * 5, allotment_label=evil)
    markup = cumulative.draw(chart, WIDE, "k") + cumulative.draw(chart, NARROW, "k")
    assert "<script" not in markup
    root = parse(f"<div>{markup}</div>")
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids)) == 8
    for svg in root:
        assert svg.get("role") == "img"
        named = (svg.get("aria-labelledby") or "").split()
        assert [svg[0].get("id"), svg[1].get("id")] == named
        assert svg[0].text == evil


# --- Daily --------------------------------------------------------------------------------------


def test_daily_coordinates() -> None:
    chart = Daily(
        "Usage", "", ("1", "2", "3", "4"), decimals(100, 0, 50), decimals(50), Decimal(25)
    )
    markup = daily.draw(chart, SQUARE, "k")
    columns = [e.attrib for e in parse(markup).iter() if e.get("class") == "column"]
    assert [(c["x"], c["y"], c["width"], c["height"]) for c in columns] == [
        ("14", "10", "17", "100"),
        ("64", "60", "17", "50"),
        ("89", "60", "17", "50"),
    ]
    assert [c.get("fill") for c in columns] == [None, None, "url(#hatch-plain)"]
    assert attributes(markup, "pace")["d"] == "M10,85H110"
    assert classes(markup)[-1] == "pace"


def test_daily_below_zero_hangs_from_the_floor() -> None:
    chart = Daily("", "", ("1", "2"), decimals(-20, 20))
    columns = [
        e.attrib for e in parse(daily.draw(chart, SQUARE, "k")).iter() if e.get("class") == "column"
    ]
    assert [(c["y"], c["height"]) for c in columns] == [("60", "50"), ("10", "50")]


def test_daily_without_anything() -> None:
    assert set(classes(daily.draw(Daily("", "", ()), WIDE, "k"))) == {"grid"}
    assert daily.places(Daily("", "", ()), WIDE) == ()


def test_daily_places_are_the_tops() -> None:
    chart = Daily("", "", ("1", "2"), decimals(100), decimals(50))
    assert daily.places(chart, SQUARE) == (decimals(35, 10), decimals(85, 60))


# --- Bar and spark ------------------------------------------------------------------------------


def test_bar_shows_the_tick_inside_and_the_forecast_behind() -> None:
    markup = bar.draw(Decimal(50), Decimal(110), "risk")
    assert classes(markup) == ["track", "ahead", "filled", "limit"]
    assert attributes(markup, "limit")["x1"] == "86.6%"  # 100 of 115.5
    assert attributes(markup, "filled")["width"] == "43.3%"
    assert attributes(markup, "ahead")["width"] == "95.2%"
    assert attributes(markup, "ahead")["fill"] == "url(#hatch-risk)"


def test_bar_goes_past_the_allotment_and_ends_somewhere() -> None:
    over = bar.draw(Decimal(150), None, "over")
    assert attributes(over, "limit")["x1"] == "63.5%"
    assert attributes(over, "filled")["width"] == "95.2%"
    huge = bar.draw(Decimal("1E18"), Decimal("2E18"), "over")
    assert attributes(huge, "filled")["width"] == "100%"
    assert attributes(huge, "limit")["x1"] == "25%"


def test_bar_is_full_when_there_was_nothing_to_use() -> None:
    markup = bar.draw(None, None, "over")
    assert classes(markup) == ["track", "filled"]
    assert attributes(markup, "filled")["width"] == "100%"


@pytest.mark.parametrize(
    ("percent", "forecast", "expected"),
    [
        (None, None, ["track"]),
        (Decimal(0), None, ["track", "limit"]),
        (Decimal(-5), Decimal(-2), ["track", "limit"]),
        (Decimal(60), Decimal(60), ["track", "filled", "limit"]),
    ],
)
def test_bar_leaves_out_what_is_not_there(
    percent: Decimal | None, forecast: Decimal | None, expected: list[str]
) -> None:
    assert classes(bar.draw(percent, forecast, "plain")) == expected


def test_spark() -> None:
    assert '<path d="M0,22L39,2L78,12"/>' in spark.draw(decimals(0, 10, 5))
    assert '<path d="M0,22L78,22"/>' in spark.draw(decimals(0, 0))
    assert '<path d="M0,2L78,22"/>' in spark.draw(decimals(0, -4))
    assert spark.draw(()) == spark.draw(decimals(3)) == ""
