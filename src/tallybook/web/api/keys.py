"""API keys and users: who may ask."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import Response

from tallybook.model.errors import Invalid
from tallybook.model.people import ApiKey, User
from tallybook.operations import people as people_op
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, document
from tallybook.web.services import Service

router = APIRouter(tags=["people"])

Body = Annotated[Any, Depends(document)]


def as_mapping(body: Any) -> dict[str, Any]:
    """Return the body when it is an object.

    Raises:
        Invalid: `document_invalid`.
    """
    if not isinstance(body, dict):
        raise Invalid("document_invalid", "The body must be a JSON object.")
    return body


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "prefix": key.prefix,
        "name": key.name,
        "role": key.role,
        "account": key.account,
        "scopes": sorted(key.scopes) if key.scopes else None,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "used_at": key.used_at,
        "revoked_at": key.revoked_at,
    }


def _user(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "account": user.account,
        "branches": user.branches,
        "csms": user.csms,
        "state": user.state,
        "created_at": user.created_at,
    }


@router.post("/keys", status_code=201)
def post_key(scope: Caller, service: Service, body: Body) -> Response:
    """Make an API key; its secret is in this answer and never again."""
    made = people_op.make_key(
        scope, service.people, service.directories, as_mapping(body), service.clock.real_now()
    )
    return answer({**_key(made.key), "secret": made.secret}, 201)


@router.get("/keys")
def get_keys(scope: Caller, service: Service) -> Response:
    """List the API keys, without secrets."""
    keys = people_op.list_keys(scope, service.people)
    return answer({"items": [_key(key) for key in keys], "next_cursor": None, "totals": {}})


@router.delete("/keys/{key_id}", status_code=204)
def delete_key(scope: Caller, service: Service, key_id: str) -> None:
    """Revoke an API key at once."""
    people_op.revoke_key(scope, service.people, key_id, service.clock.real_now())


@router.put("/users/{email}")
def put_user(scope: Caller, service: Service, email: str, body: Body) -> Response:
    """Add a user or change one."""
    asked = {**as_mapping(body), "email": email}
    user = people_op.put_user(
        scope, service.people, service.directories, asked, service.clock.real_now()
    )
    return answer(_user(user))


@router.get("/users")
def get_users(scope: Caller, service: Service) -> Response:
    """List the users."""
    users = people_op.list_users(scope, service.people)
    return answer({"items": [_user(user) for user in users], "next_cursor": None, "totals": {}})
