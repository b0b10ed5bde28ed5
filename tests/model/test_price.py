"""What lies beyond what is included, event by event; and what a charge rose by."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tallybook.model.price import Billable, Part, Piece, risen

D = Decimal
AMOUNTS = st.sampled_from(
    [D(a) for a in ("0", "1", "2", "5", "0.000000000001", "999999999999999999.999999999999")]
)
EVENTS = st.lists(AMOUNTS, max_size=5)


def events(*amounts: Decimal | int) -> Billable:
    pieces = tuple(Piece(D(amount)) for amount in amounts)
    return Billable(sum((piece.quantity for piece in pieces), D(0)), pieces)


def left(use: Billable) -> list[Decimal]:
    return [piece.quantity for piece in use.pieces or ()]


def test_the_first_events_are_inside_and_one_may_be_partly() -> None:
    use = events(100, 50, 200)
    assert left(use.beyond(D(0))) == [100, 50, 200]
    assert left(use.beyond(D(125))) == [25, 200]
    assert left(use.beyond(D(150))) == [200]
    assert left(use.beyond(D(400))) == []
    assert Billable(D(7)).beyond(D(5)) == Billable(D(2))


def test_an_event_of_nothing_stays_once_all_that_is_included_is_used() -> None:
    assert left(events(0, 5, 0, 1, 0).beyond(D(5))) == [0, 1, 0]
    assert left(events(0, 5, 0).beyond(D(6))) == []
    assert left(events(0).beyond(D(0))) == [0]


def test_what_is_given_back_is_given_back_from_what_lies_beyond_first() -> None:
    assert left(events(10, -5, 3).beyond(D(4))) == [6, -5, 3]
    assert left(events(3, -2, 6).beyond(D(4))) == [3]
    assert left(events(6, -4, 3).beyond(D(4))) == [2, -2, 1]


@given(amounts=EVENTS, included=AMOUNTS, more=AMOUNTS)
def test_events_beyond_add_up_to_the_quantity_beyond(
    amounts: list[Decimal], included: Decimal, more: Decimal
) -> None:
    use = Billable(D(sum(map(int, amounts))), tuple(Piece(D(int(a))) for a in amounts))
    rest = use.beyond(D(int(included)))
    assert sum(left(rest), D(0)) == rest.quantity
    assert rest.quantity == max(D(0), use.quantity - int(included))
    again, once = rest.beyond(D(int(more))), use.beyond(D(int(included) + int(more)))
    assert again.quantity == once.quantity


def test_a_quantity_alone_is_one_event_and_none_of_nothing() -> None:
    assert Billable(D(3)).events == (Piece(D(3)),)
    assert Billable(D(0)).events == ()
    assert Billable(D(0), (Piece(D(0)),)).events == (Piece(D(0)),)


def test_a_rise_keeps_what_was_added_to_each_part() -> None:
    before = (Part(0, D(5), D(1), D(7), D(12)),)
    after = (Part(0, D(10), D(1), D(7), D(17)), Part(1, D(2), D(3), None, D(6)))
    assert risen(after, before) == (
        Part(0, D(5), D(1), D(7), D(5), count=0),
        Part(1, D(2), D(3), None, D(6)),
    )
    assert risen(after, after) == ()
    assert risen((), after)[1] == Part(1, D(-2), D(3), None, D(-6), count=-1)
