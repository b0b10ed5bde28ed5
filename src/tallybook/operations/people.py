"""Users and API keys: who there is, made and ended by administrators. Recognises nobody."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tallybook.model.errors import Forbidden, Invalid, NotFound
from tallybook.model.ids import new_id
from tallybook.model.limits import PAGE_ROWS_DEFAULT
from tallybook.model.nouns import (
    EMAIL_PATTERN,
    LINE_PATTERN,
    Document,
    Instant,
    Key,
    Name,
    Noun,
    parse,
)
from tallybook.model.people import ApiKey, User
from tallybook.model.ports import People
from tallybook.model.scope import CUSTOMERS, Role, Scope, Verb
from tallybook.operations import credentials
from tallybook.operations._page import Page, page_of
from tallybook.operations.directory import Directories

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=254, pattern=EMAIL_PATTERN),
]
Plain = Annotated[Name, StringConstraints(strip_whitespace=True, pattern=LINE_PATTERN)]


class _Bound(Noun):
    """Somebody with a role; a customer's is bound to an account and its tree."""

    role: Role
    account: Key | None = None

    @model_validator(mode="after")
    def _is_bound(self) -> Self:
        if self.role in CUSTOMERS and self.account is None:
            raise ValueError(f"the role {self.role} needs an account")
        return self


class NewApiKey(_Bound):
    """What is asked of a new key; no scopes: all that the role allows."""

    name: Annotated[Plain, Field(min_length=1)]
    scopes: frozenset[Verb] | None = None
    expires_at: Instant | None = None


class NewUser(_Bound):
    """What is asked of a user; without a password nobody can sign in as them."""

    email: Email
    name: Plain | None = None
    branches: tuple[Plain, ...] = ()
    csms: tuple[Email, ...] = ()
    state: Literal["active", "suspended"] = "active"
    password: Annotated[
        str | None,
        Field(
            min_length=credentials.PASSWORD_CHARS_MIN,
            max_length=credentials.PASSWORD_CHARS_MAX,
            repr=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A new key with its secret, which is never shown again."""

    key: ApiKey
    secret: str


def make_key(
    scope: Scope, people: People, directories: Directories, body: Document, now: datetime
) -> MadeKey:
    """Make an API key.

    Raises:
        Forbidden: `verb_not_allowed`, `scopes_too_wide`.
        Invalid: `document_invalid`, `unknown_account`, `expires_in_the_past`.
    """
    scope.require("administer")
    asked = parse(NewApiKey, body)
    scopes = asked.scopes or None
    _check_scopes(scope, scopes)
    if asked.expires_at is not None and asked.expires_at <= now:
        raise Invalid("expires_in_the_past", "expires_at has passed.", field="expires_at")
    _check_account(scope, directories, asked.account)
    made = credentials.new_key()
    key = ApiKey(
        id=new_id(now),
        prefix=made.prefix,
        secret_hash=made.secret_hash,
        name=asked.name,
        role=asked.role,
        created_at=now,
        created_by=scope.who,
        account=asked.account,
        scopes=scopes,
        expires_at=asked.expires_at,
    )
    people.add_key(scope, key)
    return MadeKey(key, made.text)


def list_keys(
    scope: Scope, people: People, *, cursor: str | None = None, limit: int = PAGE_ROWS_DEFAULT
) -> Page[ApiKey]:
    """Return API keys, oldest first.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("administer")
    return page_of(people.keys(scope), lambda key: key.id, cursor=cursor, limit=limit)


def revoke_key(scope: Scope, people: People, key_id: str, now: datetime) -> None:
    """End an API key at once.

    Raises:
        Forbidden: `verb_not_allowed`.
        NotFound: `key_not_found`.
    """
    scope.require("administer")
    if not people.revoke_key(scope, key_id, now):
        raise NotFound("key_not_found", "There is no API key with this id.")


def put_user(
    scope: Scope, people: People, directories: Directories, body: Document, now: datetime
) -> User:
    """Add a user, or change the one with this address; without a password the old one stays.

    A change of password, role or account ends the user's sessions.

    Raises:
        Forbidden: `verb_not_allowed`, `scopes_too_wide`: a user may do all that the role allows.
        Invalid: `document_invalid`, `unknown_account`.
    """
    scope.require("administer")
    asked = parse(NewUser, body)
    _check_scopes(scope, None)
    _check_account(scope, directories, asked.account)
    known = people.user(scope, asked.email)
    kept = known.password_hash if known else None
    hashed = credentials.hash_password(asked.password) if asked.password else kept
    user = User(
        id=known.id if known else new_id(now),
        email=asked.email,
        role=asked.role,
        created_at=known.created_at if known else now,
        name=asked.name,
        password_hash=hashed,
        account=asked.account,
        branches=asked.branches,
        csms=asked.csms,
        state=asked.state,
    )
    if known is None:
        people.add_user(scope, user)
    elif user != known:
        people.change_user(scope, user, now)
        if replace(user, name=known.name) != known:
            people.revoke_sessions(scope, now, user_id=user.id)
    return user


def list_users(
    scope: Scope, people: People, *, cursor: str | None = None, limit: int = PAGE_ROWS_DEFAULT
) -> Page[User]:
    """Return users by email.

    Raises:
        Forbidden: `verb_not_allowed`.
        Invalid: `limit_invalid`, `cursor_invalid`.
    """
    scope.require("administer")
    return page_of(people.users(scope), lambda user: user.email, cursor=cursor, limit=limit)


def _check_scopes(scope: Scope, scopes: frozenset[Verb] | None) -> None:
    """Refuse to let somebody do what the maker may not."""
    if scope.verbs is not None and (scopes is None or not scopes <= scope.verbs):
        raise Forbidden(
            "scopes_too_wide", "A key cannot make a key or a user that may do more than itself."
        )


def _check_account(scope: Scope, directories: Directories, account: str | None) -> None:
    if account is not None and not directories.current(scope).history("account", account):
        raise Invalid(
            "unknown_account", f"There is no account {account}; create it first.", field="account"
        )
