"""What the OpenAPI document says beyond the routes: bodies that the framework does not read, and
what is answered.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from tallybook.model import limits
from tallybook.model.contract import Contract
from tallybook.model.nouns import Account, Meter, Noun
from tallybook.operations._shown import AMOUNTS
from tallybook.operations.apply import Definitions
from tallybook.operations.cases import CaseChange, NewCase, NewMessage
from tallybook.operations.checks import NewPreview
from tallybook.operations.close import Closing
from tallybook.operations.findings import FindingChange, FindingsChange
from tallybook.operations.people import NewApiKey, NewUser
from tallybook.operations.preview import ForecastRequest
from tallybook.operations.preview_charge import ChargeRequest
from tallybook.operations.preview_periods import PeriodsRequest
from tallybook.operations.preview_statement import StatementRequest
from tallybook.operations.readdress import AddressChange
from tallybook.operations.report_schedules import NewReportSchedule, ReportScheduleChange
from tallybook.operations.subscriptions import (
    NewSubscription,
    SubscriptionChange,
)
from tallybook.operations.webhooks import NewWebhook, WebhookChange
from tallybook.web.api._answers import ANSWERS, CHANGES, FAULTS, VERSION
from tallybook.web.api._answers_of_cases import ANSWERS_OF_CASES
from tallybook.web.api._answers_of_checks import ANSWERS_OF_CHECKS
from tallybook.web.api._answers_of_deliveries import ANSWERS_OF_DELIVERIES
from tallybook.web.api._answers_of_schedules import ANSWERS_OF_SCHEDULES
from tallybook.web.api._answers_of_statements import ANSWERS_OF_STATEMENTS
from tallybook.web.api._shapes import INSTANT, Shape, many, maybe, record, ref


def says(answer: Shape | None, *, body: Shape | None = None, status: int = 200) -> dict[str, Any]:
    """Return what a route says of itself: its answer, if it has one, and the body it takes."""
    said: dict[str, Any] = {}
    if answer is not None:
        said["responses"] = {str(status): {"content": {"application/json": {"schema": answer}}}}
    if body is not None:
        content = {"application/json": {"schema": body}}
        said["requestBody"] = {"required": True, "content": content}
    return said


def closed(fields: dict[str, Shape]) -> Shape:
    """Return the shape of an object that has all of these fields and no other."""
    return {**record(**fields), "additionalProperties": False}


def one_or_many(shape: Shape) -> Shape:
    """Return the shape of what comes alone or as a list."""
    return {"anyOf": [shape, many(shape)]}


BODY_OF_EVENTS: Final[dict[str, Any]] = {
    **says(ref("Receipt")),
    "requestBody": {
        "required": True,
        "description": "CloudEvents 1.0, structured, batched or binary; a JSON object or array; "
        "NDJSON. `Content-Encoding` may be gzip or zstd.",
        "content": {
            "application/cloudevents+json": {"schema": {"$ref": "#/components/schemas/Event"}},
            "application/cloudevents-batch+json": {
                "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}
            },
            "application/json": {
                "schema": {
                    "anyOf": [
                        {"$ref": "#/components/schemas/Event"},
                        {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                    ]
                }
            },
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
}

EVENT: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1, "maxLength": 256},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "subject": {"type": "string", "minLength": 1, "description": "The account's key."},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"type": "string"},
        "data": {},
    },
}

BODY_OF_CORRECTIONS: Final = says(ref("Receipt"), body=one_or_many(ref("Correction")))
BODY_OF_REPLACEMENTS: Final = says(ref("Receipt"), body=one_or_many(ref("Replacement")))

_CORRECTION: Final = {
    "source": {"type": "string", "minLength": 1},
    "id": {"type": "string", "minLength": 1, "maxLength": limits.EVENT_ID_CHARS_MAX},
    "reason": {"type": "string", "minLength": 1, "maxLength": limits.REASON_CHARS_MAX},
}
CORRECTION: Final = closed(_CORRECTION)
REPLACEMENT: Final = closed(
    {
        **_CORRECTION,
        "event": {
            "type": "object",
            "description": "The CloudEvent that counts instead, with its `data`; attributes that "
            "it leaves out are those of the event it replaces.",
            "properties": EVENT["properties"],
        },
    }
)

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable; meant for programs."},
        "detail": {"type": "string", "description": "A sentence with a next step."},
        "request_id": {"type": "string"},
        "field": {"type": ["string", "null"]},
    },
}

#: Every route may refuse; every refusal looks the same.
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    "default": {
        "description": "A refusal (RFC 9457).",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
}

NOUN_OF: Final[dict[str, type[Noun]]] = {
    "accounts": Account,
    "meters": Meter,
    "contracts": Contract,
}


_BODIES: Final[dict[str, type[Noun]]] = {
    **{noun.__name__: noun for noun in NOUN_OF.values()},
    "CaseChange": CaseChange,
    "NewCase": NewCase,
    "AddressChange": AddressChange,
    "FindingChange": FindingChange,
    "FindingsChange": FindingsChange,
    "NewCheckPreview": NewPreview,
    "NewSubscription": NewSubscription,
    "SubscriptionChange": SubscriptionChange,
    "NewMessage": NewMessage,
    "NewKey": NewApiKey,
    "NewWebhook": NewWebhook,
    "WebhookChange": WebhookChange,
    "NewUser": NewUser,
    "NewReportSchedule": NewReportSchedule,
    "ReportScheduleChange": ReportScheduleChange,
    "Closing": Closing,
    "ForecastRequest": ForecastRequest,
    "ChargeRequest": ChargeRequest,
    "Definitions": Definitions,
    "PeriodsRequest": PeriodsRequest,
    "StatementRequest": StatementRequest,
}
_REF: Final = re.compile(r"#/components/schemas/(\w+)")
#: What stands in the path, and so may be left out of the body.
_IN_PATH: Final = {"key", "number", "email"}


def components() -> dict[str, Any]:
    """Return all schemas by name: bodies, their nouns as versions, answers, the problem."""
    schemas: dict[str, Any] = {"Event": EVENT, "Problem": PROBLEM}
    schemas |= ANSWERS | ANSWERS_OF_CASES | ANSWERS_OF_SCHEDULES | ANSWERS_OF_STATEMENTS
    schemas |= ANSWERS_OF_CHECKS | ANSWERS_OF_DELIVERIES
    schemas |= {"Correction": CORRECTION, "Replacement": REPLACEMENT}
    schemas["TestClock"] = record(now=INSTANT)
    for name, body in _BODIES.items():
        schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schema["required"] = [f for f in schema.get("required", []) if f not in _IN_PATH]
        schemas[name] = schema
    for noun in NOUN_OF.values():
        schemas |= _versions(noun, schemas)
        schema = schemas[noun.__name__]
        schema["properties"] = {
            **schema["properties"],
            "valid_from": VERSION["valid_from"],
            "reason": VERSION["reason"],
        }
    return schemas


def _versions(noun: type[Noun], schemas: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return how a noun is answered, alone and in its history, and the parts it is made of."""
    schema, name = schemas[noun.__name__], f"{noun.__name__}Version"
    parts = _parts(schema, schemas) if noun is Contract else ()
    shown = {**_shown(schema, parts)["properties"], **VERSION}
    required = [*schema["required"], *VERSION]
    more = {"": {}, "Told": {"changes": CHANGES}, "Found": {"findings": FAULTS}}
    answers: dict[str, Shape] = {
        f"{name}{kind}": {
            "type": "object",
            "required": [*required, *fields],
            "properties": {**shown, **fields},
        }
        for kind, fields in more.items()
    }
    return answers | {f"{part}Shown": _shown(schemas[part], parts) for part in parts}


def _parts(schema: Any, schemas: Mapping[str, Shape]) -> list[str]:
    """Return the names of all that a schema refers to, each once."""
    found: dict[str, None] = {}
    waiting = [json.dumps(schema)]
    while waiting:
        for name in _REF.findall(waiting.pop()):
            if name not in found:
                found[name] = None
                waiting.append(json.dumps(schemas[name]))
    return list(found)


def _shown(schema: Shape, parts: Collection[str]) -> Shape:
    """Return a part of a contract as it is answered: its amounts are null for some roles."""
    said = _REF.sub(lambda ref: f"{ref[0]}Shown" if ref[1] in parts else ref[0], json.dumps(schema))
    shape: Shape = json.loads(said)
    if parts and "properties" in shape:
        for name in AMOUNTS & shape["properties"].keys():
            shape["properties"][name] = maybe(shape["properties"][name])
    return shape
