"""One table from error to status: the only place that knows both."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from tallybook.model import errors

STATUS: Final[Mapping[type[errors.TallybookError], HTTPStatus]] = {
    errors.Unreadable: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Overloaded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}


def status_of(error: errors.TallybookError) -> HTTPStatus:
    """Return the status of an error by its class."""
    return next(s for kind, s in STATUS.items() if isinstance(error, kind))
