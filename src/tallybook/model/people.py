"""Who may ask: users, their sessions and API keys, as values. Decides nothing about what they may.

Passwords, tokens and secrets are here only as hashes, and never in a repr.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from tallybook.model.scope import Role, Verb


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in, with what they are bound to.

    A customer role is bound to `account` and its tree; a CSM to `branches` and to the accounts
    whose CSM has one of the addresses in `csms`. Emails are in lower case.
    """

    id: str
    email: str
    role: Role
    created_at: datetime
    name: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    account: str | None = None
    branches: tuple[str, ...] = ()
    csms: tuple[str, ...] = ()
    state: Literal["active", "suspended"] = "active"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser; `token_hash` is the SHA-256 of the token only the browser knows."""

    token_hash: bytes = field(repr=False)
    user_id: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's key; `prefix` is public, `secret_hash` the SHA-256 of the rest.

    `scopes` None is all that the role allows.
    """

    id: str
    prefix: str
    secret_hash: bytes = field(repr=False)
    name: str
    role: Role
    created_at: datetime
    created_by: str
    account: str | None = None
    scopes: frozenset[Verb] | None = None
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which entity, and when; entries are numbered in the order they happened."""

    number: int
    at: datetime
    who: str
    what: str
    entity: str
