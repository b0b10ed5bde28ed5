"""The RFC 9457 answer that every refusal of the API has; a browser gets a page instead."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tallybook.model import errors
from tallybook.model.nouns import said_of
from tallybook.web.exact import encode
from tallybook.web.pages import message
from tallybook.web.pages.message import wants_page
from tallybook.web.status import status_of

#: What the framework itself refuses, before an operation is reached.
_FRAMEWORK: Final[Mapping[int, tuple[str, str]]] = {
    404: ("path_unknown", "There is nothing at this path; see /api/v1/openapi.json."),
    405: ("method_not_allowed", "This path does not take this method; see /api/v1/openapi.json."),
}

log = structlog.get_logger()


def request_id(request: Request) -> str:
    """Return the identifier that this request's answer carries in X-Request-Id."""
    return str(request.scope.get("request_id", ""))


def problem(
    request: Request, status: int, code: str, detail: str, facts: Mapping[str, Any] | None = None
) -> Response:
    """Answer with an RFC 9457 problem."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": request_id(request),
        **(facts or {}),
    }
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if facts and "retry_after" in facts:
        headers["Retry-After"] = str(facts["retry_after"])
    return Response(encode(body), status, headers, media_type="application/problem+json")


def of_error(request: Request, error: errors.TallybookError) -> Response:
    """Answer a refusal of our own."""
    status = status_of(error)
    if wants_page(request):
        return message.of_error(request, error, status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("unavailable", code=error.code, detail=error.detail, id=request_id(request))
    return problem(request, status, error.code, error.detail, error.facts)


def of_framework(request: Request, error: HTTPException) -> Response:
    """Answer a refusal of the framework: an unknown path, a wrong method."""
    code, detail = _FRAMEWORK.get(error.status_code, ("request_refused", str(error.detail)))
    if wants_page(request):
        return message.show(request, error.status_code, "There is nothing at this address.")
    answer = problem(request, error.status_code, code, detail)
    answer.headers.update(error.headers or {})
    return answer


def of_parameters(request: Request, error: RequestValidationError) -> Response:
    """Answer parameters that cannot be read."""
    first = error.errors()[0]
    place, field = first["loc"][0], ".".join(str(part) for part in first["loc"][1:])
    if place == "body" and first["type"] in {"json_invalid", "model_attributes_type"}:
        return problem(request, HTTPStatus.BAD_REQUEST, "body_invalid", "The body is not JSON.")
    name = field or str(place)
    facts = {"field": name, **_limit(first)}
    detail = f"{name}: {said_of(first)}."
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "parameter_invalid", detail, facts)


def _limit(fault: Mapping[str, Any]) -> dict[str, object]:
    """Return the limit that a parameter is beyond, and what was asked, where that is its fault."""
    asked, context = fault["input"], fault.get("ctx", {})
    match fault["type"]:
        case "less_than_equal" | "greater_than_equal":
            return {"limit": context.get("le", context.get("ge")), "asked": int(asked)}
        case "string_too_long" | "too_long":
            return {"limit": context["max_length"], "asked": len(asked)}
    return {}


def of_surprise(request: Request, error: Exception) -> Response:
    """Answer a fault of our own; the details are in the log under the same request id."""
    log.error("fault", id=request_id(request), exc_info=error)
    if wants_page(request):
        return message.show(request, 500, "The log has the details under the number below.")
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal_error",
        "Something broke on our side; the log has the details under this request_id.",
    )


def install(app: FastAPI) -> None:
    """Make every refusal of the API an RFC 9457 problem."""
    app.exception_handler(errors.TallybookError)(of_error)
    app.exception_handler(HTTPException)(of_framework)
    app.exception_handler(RequestValidationError)(of_parameters)
    app.exception_handler(Exception)(of_surprise)
