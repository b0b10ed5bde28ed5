"""Deliveries as they are listed and read. Who writes them is whoever has something to tell."""

from dataclasses import replace
from datetime import datetime

from tallybook.model.delivery import Delivery, DeliveryPage, DeliveryQuery
from tallybook.model.errors import NotFound
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
    return replace(page, items=tuple(_told(scope, one) for one in page.items))


def read(scope: Scope, deliveries: Deliveries, delivery_id: str, now: datetime) -> Delivery:
    """Return a delivery.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `delivery_not_found`, also where its account is not the caller's now.
    """
    scope.require("read")
    found = deliveries.delivery(scope, delivery_id, now)
    if found is None:
        raise NotFound("delivery_not_found", f"There is no delivery {delivery_id!r} to be seen.")
    return _told(scope, found)


def _told(scope: Scope, delivery: Delivery) -> Delivery:
    """Hide from customers who the vendor's administrators are, and what a server said to us."""
    if not scope.is_customer:
        return delivery
    hides = delivery.kind == "case.to_administrators"
    return replace(delivery, recipients=() if hides else delivery.recipients, error=None)
