"""Who is asking: turns an API key or a session into a scope, and signs people in and out.

Every refusal of a credential reads the same and takes the same time, whatever was wrong with it.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from tallybook.model.errors import Forbidden, Unauthenticated, Unavailable
from tallybook.model.people import ApiKey, Session, User
from tallybook.model.ports import People
from tallybook.model.scope import Role, Scope, Verb, operator
from tallybook.model.time import FIRST_INSTANT, LAST_INSTANT
from tallybook.operations import credentials
from tallybook.operations.directory import Directories
from tallybook.operations.guesses import Guesses
from tallybook.positions.hierarchy import members

SESSION_IDLE: Final = timedelta(hours=12)
SESSION_LIFE: Final = timedelta(days=7)
_TOUCH: Final = timedelta(minutes=1)
#: Roles of programs: their people have nothing to look at.
_WITHOUT_PAGES: Final[frozenset[Role]] = frozenset({"ingest"})
#: What keys are called by, before their prefix.
_KEY: Final = "key:"
_IDENTIFY: Final = operator("identify")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody's try to sign in; `previous_token` is the session the browser came with."""

    email: str
    password: str
    address: str
    previous_token: str | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the token is known to the browser alone."""

    token: str
    session: Session
    user: User


def by_key(people: People, directories: Directories, key: str, now: datetime) -> Scope:
    """Return the scope of an API key.

    Raises:
        Unauthenticated: `key_invalid`, for a key that is unknown, expired or revoked.
    """
    prefix = credentials.prefix_of(key)
    known = people.key(_IDENTIFY, prefix) if prefix else None
    fits = credentials.same(
        credentials.digest(key), known.secret_hash if known else credentials.digest("")
    )
    if known is None or not fits or _is_over(known, now):
        raise Unauthenticated(
            "key_invalid", "This API key is unknown, expired or revoked; ask for a new one."
        )
    if known.used_at is None or not timedelta(0) <= now - known.used_at < _TOUCH:
        with suppress(Unavailable):  # a full disk must not stop those who only read
            people.touch_key(_IDENTIFY, known.id, now)
    scope = _scope(f"{_KEY}{known.prefix}", known.role, known.account, known.scopes, directories)
    return replace(scope, names=_names(known.name))


def by_session(people: People, directories: Directories, token: str, now: datetime) -> Scope:
    """Return the scope of a signed-in browser.

    Raises:
        Unauthenticated: `session_over`.
    """
    found = people.session(_IDENTIFY, credentials.digest(token))
    if found is None or not _is_open(found[0], now) or found[1].state != "active":
        raise Unauthenticated("session_over", "You are not signed in, or no longer; sign in.")
    session, user = found
    _require_sign_in(user)
    if not timedelta(0) <= now - session.seen_at < _TOUCH:
        with suppress(Unavailable):
            people.touch_session(_IDENTIFY, session.token_hash, now)
    scope = _scope(user.email, user.role, user.account, None, directories)
    return replace(scope, names=_names(user.email, user.name))


def by_name(people: People, directories: Directories, who: str, now: datetime) -> Scope | None:
    """Return the scope that somebody has now whose name was written down: a user's address, or that
    of a key; None where they may do nothing any more.
    """
    if who.startswith(_KEY):
        prefix = who.removeprefix(_KEY)
        key = people.key(_IDENTIFY, prefix)
        if key is None or _is_over(key, now):
            return None
        scope = _scope(who, key.role, key.account, key.scopes, directories)
        return replace(scope, names=_names(key.name))
    user = people.user(_IDENTIFY, who)
    if user is None or user.state != "active":
        return None
    scope = _scope(user.email, user.role, user.account, None, directories)
    return replace(scope, names=_names(user.email, user.name))


def sign_in(people: People, guesses: Guesses, attempt: Attempt, now: datetime) -> SignedIn:
    """Open a session for the right password, and end the one the browser came with.

    Raises:
        Overloaded: `too_many_tries`.
        Unauthenticated: `sign_in_failed`.
        Forbidden: `user_suspended`, `role_without_pages`; only told to who knows the password.
    """
    email = attempt.email.strip().lower()
    guesses.take(email, attempt.address, now)
    user = people.user(_IDENTIFY, email)
    kept = user.password_hash if user else None
    if not credentials.check_password(kept, attempt.password) or user is None or kept is None:
        raise Unauthenticated("sign_in_failed", "The address or the password is wrong.")
    guesses.forgive(email, attempt.address)
    if user.state != "active":
        raise Forbidden("user_suspended", "Your access is suspended; ask an administrator.")
    _require_sign_in(user)
    if credentials.is_outdated(kept):
        user = replace(user, password_hash=credentials.hash_password(attempt.password))
        people.change_user(_IDENTIFY, user, now)
    if attempt.previous_token:
        sign_out(people, attempt.previous_token, now)
    token = credentials.new_token()
    session = Session(credentials.digest(token), user.id, now, now, now + SESSION_LIFE)
    people.add_session(Scope(user.email, user.role), session)
    return SignedIn(token, session, user)


def sign_out(people: People, token: str, now: datetime) -> None:
    """End a session; a token that is none ends nothing."""
    found = people.session(_IDENTIFY, credentials.digest(token))
    if found is not None:
        session, user = found
        who = Scope(user.email, user.role)
        people.revoke_sessions(who, now, user_id=user.id, token_hash=session.token_hash)


def _require_sign_in(user: User) -> None:
    if user.role in _WITHOUT_PAGES:
        raise Forbidden(
            "role_without_pages",
            f"The role {user.role} sends events with an API key and has no pages; ask an "
            "administrator for another role.",
        )


def _is_over(key: ApiKey, now: datetime) -> bool:
    expired = key.expires_at is not None and key.expires_at <= now
    return expired or key.revoked_at is not None


def _is_open(session: Session, now: datetime) -> bool:
    idle = now - session.seen_at >= SESSION_IDLE
    return session.revoked_at is None and now < session.expires_at and not idle


def _names(*names: str | None) -> frozenset[str]:
    """Return what contracts may call somebody by; a key is called as its owner is."""
    return frozenset(name.casefold() for name in names if name)


def _scope(
    who: str,
    role: Role,
    account: str | None,
    verbs: frozenset[Verb] | None,
    directories: Directories,
) -> Scope:
    """Bind a scope to an account's tree, as it is now: a moved child counts from its move."""
    if account is None:
        return Scope(who, role, None, verbs)
    directory = directories.current(_IDENTIFY)
    tree = members(directory, account, FIRST_INSTANT, LAST_INSTANT)
    return Scope(who, role, tuple(tree), verbs)
