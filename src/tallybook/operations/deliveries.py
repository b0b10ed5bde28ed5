"""Deliveries as they are listed, read and queued again. Who writes them is whoever has something to
tell, and `deliver` sends them.
"""

from dataclasses import replace
from datetime import datetime

from tallybook.model.alert_ports import Outbox
from tallybook.model.delivery import Delivery, DeliveryPage, DeliveryQuery
from tallybook.model.errors import Conflict, Forbidden, NotFound
from tallybook.model.ports import Deliveries
from tallybook.model.scope import Scope
from tallybook.operations._page import check_limit


def list_deliveries(scope: Scope, deliveries: Deliveries, query: DeliveryQuery) -> DeliveryPage:
    """List deliveries about the accounts one may see.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`.
    """
    scope.require("read")
    check_limit(query.limit)
    page = deliveries.page(scope, query)
    return replace(page, items=tuple(_told(scope, one, query.at) for one in page.items))


def read(scope: Scope, deliveries: Deliveries, delivery_id: str, now: datetime) -> Delivery:
    """Return a delivery; what it says only where that may be shown.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `delivery_not_found`, also where its account is not the caller's now.
    """
    scope.require("read")
    found = deliveries.delivery(scope, delivery_id, now)
    if found is None:
        raise NotFound("delivery_not_found", f"There is no delivery {delivery_id!r} to be seen.")
    return _told(scope, found, now)


def resend(
    scope: Scope, deliveries: Deliveries, outbox: Outbox, delivery_id: str, now: datetime
) -> Delivery:
    """Queue a delivery again that is dead, or whose next attempt is not due yet; who has it already
    gets no copy. Customers resend nothing.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `delivery_not_found`.
        Conflict: `delivery_not_failed`, where it was sent or waits to be.
    """
    scope.require("contact")
    found = read(scope, deliveries, delivery_id, now)
    if scope.is_customer:
        raise Forbidden("verb_not_allowed", "Only the vendor sends a delivery again.")
    if not outbox.resend(scope, delivery_id, now):
        raise Conflict(
            "delivery_not_failed",
            f"This delivery is {found.status}; only one that failed or is dead is sent again.",
        )
    return read(scope, deliveries, delivery_id, now)


def may_read(scope: Scope, delivery: Delivery, now: datetime) -> bool:
    """Tell whether what a delivery says may be shown: what is said in cases to both sides, all else
    to whom it goes to, and to who sees prices and all accounts it is about. It was made for its
    readers: whoever had it sent may see less than they.
    """
    if delivery.kind.startswith("case.") or scope.who in delivery.addresses:
        return True
    return scope.sees_prices and scope.sees(delivery.account, now)


def _told(scope: Scope, delivery: Delivery, now: datetime) -> Delivery:
    """Hide what may not be read, and from customers who the vendor's administrators are, and what a
    server said to us.
    """
    if not may_read(scope, delivery, now):
        delivery = replace(delivery, body="", html=None, numbers={})
    if not scope.is_customer:
        return delivery
    hides = delivery.kind == "case.to_administrators"
    shown = replace(delivery, bcc=(), reached=(), error=None)
    return replace(shown, recipients=()) if hides else shown
