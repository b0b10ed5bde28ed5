"""What the OpenAPI document says beyond the routes: bodies that the framework does not read."""

from typing import Any, Final

from tallybook.model.nouns import Account, Contract, Meter, Noun

BODY_OF_EVENTS: Final[dict[str, Any]] = {
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
    }
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


def components() -> dict[str, Any]:
    """Return the schemas of the nouns, the event and the problem, by name."""
    schemas: dict[str, Any] = {"Event": EVENT, "Problem": PROBLEM}
    for noun in NOUN_OF.values():
        schema = noun.model_json_schema(
            ref_template="#/components/schemas/{model}", mode="validation"
        )
        schemas |= schema.pop("$defs", {})
        # The key stands in the path and may be left out of the body; a version has a date.
        schema["required"] = [f for f in schema.get("required", []) if f not in {"key", "number"}]
        schema["properties"] |= {
            "valid_from": {"type": ["string", "null"], "format": "date"},
            "reason": {"type": ["string", "null"]},
        }
        schemas[noun.__name__] = schema
    return schemas


def body_of(noun: str) -> dict[str, Any]:
    """Return the OpenAPI body of a noun's PUT."""
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": f"#/components/schemas/{NOUN_OF[noun].__name__}"}
                }
            },
        }
    }
