"""API keys and users: who may ask."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from tallybook.model import limits
from tallybook.model.people import ApiKey, User
from tallybook.operations import people as people_op
from tallybook.web.api._parameters import Body, Cursor, Limit, as_mapping
from tallybook.web.api._schemas import says
from tallybook.web.api._shapes import page_of, ref
from tallybook.web.caller import Caller
from tallybook.web.exact import answer, answer_page
from tallybook.web.services import Service

router = APIRouter(tags=["people"])


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


@router.post(
    "/keys",
    status_code=201,
    openapi_extra=says(ref("MadeKey"), body=ref("NewKey"), status=201),
)
def post_key(scope: Caller, service: Service, body: Body) -> Response:
    """Make an API key; its secret is in this answer and never again."""
    made = people_op.make_key(
        scope, service.people, service.directories, as_mapping(body), service.clock.real_now()
    )
    return answer({**_key(made.key), "secret": made.secret}, 201)


@router.get("/keys", openapi_extra=says(page_of("Key")))
def get_keys(
    scope: Caller, service: Service, cursor: Cursor = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Response:
    """List the API keys, oldest first, without secrets."""
    found = people_op.list_keys(scope, service.people, cursor=cursor, limit=limit)
    return answer_page(found, _key)


@router.delete("/keys/{key_id}", status_code=204)
def delete_key(scope: Caller, service: Service, key_id: str) -> None:
    """Revoke an API key at once."""
    people_op.revoke_key(scope, service.people, key_id, service.clock.real_now())


@router.put("/users/{email}", openapi_extra=says(ref("User"), body=ref("NewUser")))
def put_user(scope: Caller, service: Service, email: str, body: Body) -> Response:
    """Add a user or change one."""
    asked = {**as_mapping(body), "email": email}
    user = people_op.put_user(
        scope, service.people, service.directories, asked, service.clock.real_now()
    )
    return answer(_user(user))


@router.get("/users", openapi_extra=says(page_of("User")))
def get_users(
    scope: Caller, service: Service, cursor: Cursor = None, limit: Limit = limits.PAGE_ROWS_DEFAULT
) -> Response:
    """List the users by e-mail."""
    found = people_op.list_users(scope, service.people, cursor=cursor, limit=limit)
    return answer_page(found, _user)
