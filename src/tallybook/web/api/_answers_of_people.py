"""The shapes of users and API keys for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.scope import Role, Verb
from tallybook.web.api._answers import INSTANT, TEXT, Shape, many, maybe, one_of, record

_KEY: Final = {
    "id": TEXT,
    "prefix": TEXT,
    "name": TEXT,
    "role": one_of(Role),
    "account": maybe(TEXT),
    "scopes": maybe(many(one_of(Verb))),
    "created_at": INSTANT,
    "expires_at": maybe(INSTANT),
    "used_at": maybe(INSTANT),
    "revoked_at": maybe(INSTANT),
}

ANSWERS_OF_PEOPLE: Final[dict[str, Shape]] = {
    "Key": record(**_KEY),
    "MadeKey": record(**_KEY, secret={"type": "string", "description": "Never shown again."}),
    "User": record(
        email=TEXT,
        name=maybe(TEXT),
        role=one_of(Role),
        account=maybe(TEXT),
        branches=many(TEXT),
        csms=many(TEXT),
        state={"enum": ["active", "suspended"]},
        created_at=INSTANT,
    ),
}
