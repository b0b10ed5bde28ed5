"""A client that holds each answer against the OpenAPI document of the installation it asks."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import jsonschema_rs

from tests.serving import Answer, Client

PREFIX = "/api/v1"
_DIGITS = 300  # Python reads no integer of thousands; the shape is the same


class Documented(Client):
    """As Client; an answer that the document does not describe, to the last field, fails."""

    @cached_property
    def document(self) -> dict[str, Any]:
        """The OpenAPI document as it is served; anybody may read it."""
        answer = self.ask("GET", f"{PREFIX}/openapi.json")
        assert answer.status == 200
        found: dict[str, Any] = answer.json
        return found

    @cached_property
    def _operations(self) -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
        return [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        ]

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Answer:
        """Call the API and check what it answers."""
        answer = super().call(method, path, document, headers=headers, **parameters)
        for known, pattern, operation in self._operations:
            if known == method and pattern.fullmatch(PREFIX + path.partition("?")[0]):
                self._check(operation, answer)
        return answer

    def _check(self, operation: Mapping[str, Any], answer: Answer) -> None:
        responses = operation["responses"]
        said = responses.get(str(answer.status), responses["default"])
        if not answer.body:
            assert "content" not in said
            return
        kind = answer.headers["content-type"].partition(";")[0]
        schema = said["content"][kind]["schema"]
        if "json" not in kind:
            return  # a file, which its own reader reads
        shown = json.loads(answer.body, parse_int=lambda digits: int(digits[:_DIGITS]))
        self._validator(json.dumps(schema)).validate(shown)

    def _validator(self, schema: str) -> Any:
        """Return what checks a schema; made once."""
        if schema not in self._made:
            whole = {**json.loads(schema), "components": self.document["components"]}
            self._made[schema] = jsonschema_rs.validator_for(closed(whole), validate_formats=True)
        return self._made[schema]

    @cached_property
    def _made(self) -> dict[str, Any]:
        return {}


def closed(schema: Any) -> Any:
    """Return a schema whose objects have no other fields than those it names; problems may."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "request_id" not in schema["properties"]:
        found.setdefault("additionalProperties", False)
    return found


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each call of the document, as `METHOD /path`."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path.removeprefix(PREFIX)}", operation
