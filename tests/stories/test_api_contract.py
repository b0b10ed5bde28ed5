"""The OpenAPI document is true: whatever it allows or forbids, each answer has a documented status,
type and shape, no answer is a fault of ours, and every refusal is a problem with its code.
"""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.serving import Client

CASES = 15
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def document(installation: Client) -> dict[str, Any]:
    """The OpenAPI document as it is served; anybody may read it."""
    answer = installation.ask("GET", "/api/v1/openapi.json")
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def test_the_document_lists_every_call_and_how_each_refuses(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    calls = {
        f"{method.upper()} {path.removeprefix('/api/v1')}": call
        for path, methods in document["paths"].items()
        for method, call in methods.items()
    }
    promised = {
        "POST /events",
        "GET /events",
        "GET /usage",
        "GET /positions",
        "GET /positions/{contract}/{line}",
        "PUT /contracts/{key}",
        "POST /keys",
    }
    assert promised <= set(calls)
    for name, call in calls.items():
        assert "application/problem+json" in call["responses"]["default"]["content"], name


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_call_answers_as_documented(
    installation: Client, document: dict[str, Any], mode: GenerationMode
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    for found in schema.get_all_operations():
        operation = found.ok()  # type: ignore[union-attr]  # a schema that cannot be read raises
        strategy = operation.as_strategy(generation_mode=mode)

        @seed(1)
        @settings(
            max_examples=CASES, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
        )
        @given(case=strategy)
        def answers(case: Case[Any]) -> None:
            check(installation, case)

        answers()
    assert installation.ask("GET", "/readyz").status == 200


def check(installation: Client, case: Case[Any]) -> None:
    """Send a generated request and hold its answer against the document.

    Half of them are about what is there, or every answer would be that nothing is.
    """
    if len(str(case.query)) % 2:
        known = {"key": "acme", "contract": "C-1", "line": "total", "meter": "uses"}
        case.path_parameters.update((k, known[k]) for k in known.keys() & case.path_parameters)
        case.query.update((k, known[k]) for k in known.keys() & case.query)
    response = case.call(
        base_url=f"http://127.0.0.1:{installation.port}",
        headers={"Authorization": f"Bearer {installation.key}"},
    )
    case.validate_response(response, checks=CHECKS)
    assert response.headers["x-request-id"]
    if response.status_code >= 400:
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["code"]
        assert problem["detail"]
        assert problem["request_id"] == response.headers["x-request-id"][0]
