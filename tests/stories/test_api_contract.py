"""The OpenAPI document is true: whatever it allows or forbids, each answer has a documented status,
type and shape, no answer is a fault of ours, and every refusal is a problem with its code.
"""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
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

from tests.documented import operations
from tests.serving import ASK_SECONDS_MAX, Client

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
    calls = dict(operations(document))
    promised = {
        "POST /events",
        "POST /events/void",
        "POST /events/replace",
        "POST /events/revert",
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


def test_every_call_says_what_it_takes_and_what_it_answers(document: dict[str, Any]) -> None:
    bodies = set()
    for name, call in operations(document):
        done = {status: said for status, said in call["responses"].items() if status[0] == "2"}
        assert len(done) == 1, name
        for status, said in done.items():
            assert ("content" in said) == (status != "204"), name
            for content in said.get("content", {}).values():
                assert content["schema"], name
        for content in call.get("requestBody", {}).get("content", {}).values():
            assert content["schema"], name
            bodies.add(name)
    takers = {name for name, _ in operations(document) if name.startswith(("PUT", "POST", "PATCH"))}
    told_enough = {
        "POST /tick",
        "POST /deliveries/{delivery_id}/resend",
        "POST /subscriptions/{subscription_id}/runs",
        "POST /webhooks/{webhook_id}/secret",
    }
    assert bodies == takers - told_enough
    names = {part["$ref"].rpartition("/")[2] for part in refs(document)}
    assert names <= set(document["components"]["schemas"])


def refs(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every reference of a document."""
    if isinstance(part, dict) and "$ref" in part:
        yield part
    for inside in part.values() if isinstance(part, dict) else part:
        if isinstance(inside, (dict, list)):
            yield from refs(inside)


def test_bodies_are_told_as_they_are_read(installation: Client, document: dict[str, Any]) -> None:
    """What a schema takes is taken, and what it forbids is refused."""
    key = {"name": "feed", "role": "ingest", "scopes": None, "expires_at": None}
    user = {"role": "csm", "csms": ["a@b.example"], "state": "active"}
    day = {"date": "2026-03-01", "quantity": 5}
    period = {"period_start": "2026-03-01", "period_end": "2026-04-01"}
    forecast = {**period, "data_through": "2026-03-02", "days": [day]}
    schedule = {"start_date": "2026-01-31", "from": "2026-03-01", "to": "2026-05-01"}
    price = {"model": "flat", "amount": "5"}
    event = {"quantity": 1, "properties": {"region": "eu"}}
    charge = {"price": price, "events": [1, "2.5", event], "currency": "EUR"}
    agreed = {"account": "acme", "start_date": "2026-01-01"}
    stated = {"contract": agreed, "period": "2026-03-01", "usage": []}
    told = {
        ("POST", "/keys"): ("NewKey", key, {**key, "role": "king"}),
        ("PUT", "/users/c@d.example"): ("NewUser", user, {**user, "nobody": 1}),
        ("POST", "/preview/forecast"): ("ForecastRequest", forecast, period),
        ("POST", "/preview/periods"): ("PeriodsRequest", schedule, {**schedule, "cycle_length": 0}),
        ("POST", "/preview/charge"): ("ChargeRequest", charge, {**charge, "events": [[]]}),
        ("POST", "/preview/statement"): ("StatementRequest", stated, {**stated, "usage": [{}]}),
        ("POST", "/definitions"): ("Definitions", {"definitions": [], "dry_run": True}, {}),
        ("PUT", "/test-clock"): ("TestClock", {"now": "2026-03-01T00:00:00Z"}, {}),
    }
    for (method, path), (name, good, bad) in told.items():
        schema = {
            "$ref": f"#/components/schemas/{name}",
            "components": document["components"],
        }
        assert jsonschema_rs.is_valid(schema, good), name
        assert not jsonschema_rs.is_valid(schema, bad), name
        assert installation.call(method, path, good).status in {200, 201, 403}, name
        assert installation.call(method, path, bad).status in {422, 403}, name
    for call, one in (("/preview/forecast", forecast), ("/preview/periods", schedule)):
        both = installation.call("POST", call, [one, one]).json
        assert both[0] == both[1] == installation.call("POST", call, one).json
    assert [period["start_date"] for period in both[0]] == [
        "2026-02-28",
        "2026-03-31",
        "2026-04-30",
    ]


def test_charges_are_texts_on_the_wire_and_a_list_is_answered_in_kind(
    installation: Client,
) -> None:
    fee = {"model": "percentage", "rate": "0.02", "fixed_amount": "0.30"}
    package = {"model": "package", "package_size": 100, "package_amount": 8}
    asked = [
        {"price": package, "quantity": 301, "currency": "EUR"},
        {"price": package, "quantity": 301},
        {"price": fee, "events": [1.5], "discount_percent": "50"},
        {"price": {"model": "flat", "amount": "1E+20"}, "quantity": 0},
    ]
    found = installation.call("POST", "/preview/charge", asked).json
    assert [one["amount"] for one in found] == ["32.00", "32", "0.165", "100000000000000000000"]
    assert found[0]["parts"] == [
        {
            "tier": 0,
            "quantity": "301",
            "unit_amount": None,
            "flat_amount": "8",
            "amount": "32",
            "rate": None,
            "count": 4,
            "limit": None,
            "values": None,
        }
    ]
    assert installation.call("POST", "/preview/charge", asked[0]).json == found[0]


@pytest.mark.thorough
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
        timeout=ASK_SECONDS_MAX,
    )
    case.validate_response(response, checks=CHECKS)
    assert response.headers["x-request-id"]
    if response.status_code >= 400:
        problem = response.json()
        assert problem["status"] == response.status_code
        assert problem["code"]
        assert problem["detail"]
        assert problem["request_id"] == response.headers["x-request-id"][0]
