"""Users, sessions, API keys and the audit trail in SQL: a change and its entry are one commit."""

from dataclasses import asdict
from datetime import datetime
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from tallybook.model.errors import Conflict
from tallybook.model.people import ApiKey, AuditEntry, Session, User
from tallybook.model.scope import Scope
from tallybook.stores.books.database import Database
from tallybook.stores.books.schema import api_key as keys
from tallybook.stores.books.schema import audit, fields
from tallybook.stores.books.schema import session as sessions
from tallybook.stores.books.schema import user as users

# A scope says who asks, for the audit trail. That only an administrator may read or change people
# is decided by the verb, in `operations.people`: nothing here belongs to an account.


class BooksPeople:
    """The port `People` on a database."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database
        self._keys: dict[str, ApiKey] = {}
        self._key_changes = 0
        self._noting = Lock()

    def users(self, scope: Scope) -> list[User]:
        """Return all users by email."""
        with self._database.reader() as connection:
            return [_user(row) for row in connection.execute(select(users).order_by(users.c.email))]

    def user(self, scope: Scope, email: str) -> User | None:
        """Return the user with this address, in lower case."""
        with self._database.reader() as connection:
            row = connection.execute(select(users).where(users.c.email == email)).first()
            return _user(row) if row else None

    def add_user(self, scope: Scope, user: User) -> None:
        """Add a user.

        Raises:
            Conflict: `user_exists`.
        """
        try:
            with self._database.writer() as connection:
                connection.execute(insert(users).values(asdict(user)))
                note(connection, scope, user.created_at, "user.added", user.email)
        except IntegrityError as e:
            raise Conflict(
                "user_exists", f"There is already a user {user.email}; change that one."
            ) from e

    def change_user(self, scope: Scope, user: User, at: datetime) -> None:
        """Replace what is known of the user with this id."""
        with self._database.writer() as connection:
            connection.execute(update(users).where(users.c.id == user.id).values(asdict(user)))
            note(connection, scope, at, "user.changed", user.email)

    def session(self, scope: Scope, token_hash: bytes) -> tuple[Session, User] | None:
        """Return a session and its user, also when it is over."""
        with self._database.reader() as connection:
            found = connection.execute(
                select(sessions).where(sessions.c.token_hash == token_hash)
            ).first()
            if found is None:
                return None
            owner = connection.execute(select(users).where(users.c.id == found.user_id)).one()
            return Session(**fields(found)), _user(owner)

    def add_session(self, scope: Scope, session: Session) -> None:
        """Open a session."""
        with self._database.writer() as connection:
            connection.execute(insert(sessions).values(asdict(session)))
            note(connection, scope, session.created_at, "session.opened", session.user_id)

    def touch_session(self, scope: Scope, token_hash: bytes, at: datetime) -> None:
        """Note when a session was last seen."""
        seen = update(sessions).where(sessions.c.token_hash == token_hash).values(seen_at=at)
        with self._database.writer() as connection:
            connection.execute(seen)

    def revoke_sessions(
        self, scope: Scope, at: datetime, *, user_id: str, token_hash: bytes | None = None
    ) -> None:
        """End one session of a user, or all of them; those that are over stay as they ended."""
        ended = (
            update(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.revoked_at.is_(None))
            .values(revoked_at=at)
        )
        if token_hash is not None:
            ended = ended.where(sessions.c.token_hash == token_hash)
        with self._database.writer() as connection:
            connection.execute(ended)
            note(connection, scope, at, "session.revoked", user_id)

    def keys(self, scope: Scope) -> list[ApiKey]:
        """Return all API keys, oldest first."""
        with self._database.reader() as connection:
            rows = connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
            return [_key(row) for row in rows]

    def key(self, scope: Scope, prefix: str) -> ApiKey | None:
        """Return the key with this prefix, also when it is over.

        Every request asks; where nobody else writes the database, it is read once a change.
        """
        known = self._keys.get(prefix)
        if known is not None:
            return known
        changes = self._key_changes
        with self._database.reader() as connection:
            row = connection.execute(select(keys).where(keys.c.prefix == prefix)).first()
        if row is None:
            return None
        found = _key(row)
        with self._noting:  # what was read before a change ended must not outlive it
            if self._database.is_owned and changes == self._key_changes:
                self._keys[prefix] = found
        return found

    def _forget_keys(self) -> None:
        """Read keys again, once a change to one is stored."""
        with self._noting:
            self._key_changes += 1
            self._keys.clear()

    def add_key(self, scope: Scope, key: ApiKey) -> None:
        """Add a key.

        Raises:
            Conflict: `prefix_taken`.
        """
        row = asdict(key) | {"scopes": None if key.scopes is None else sorted(key.scopes)}
        try:
            with self._database.writer() as connection:
                connection.execute(insert(keys).values(row))
                note(connection, scope, key.created_at, "key.added", key.id)
        except IntegrityError as e:
            raise Conflict("prefix_taken", "Another key has this prefix; try again.") from e

    def touch_key(self, scope: Scope, key_id: str, at: datetime) -> None:
        """Note when a key was last used."""
        with self._database.writer() as connection:
            connection.execute(update(keys).where(keys.c.id == key_id).values(used_at=at))
        self._forget_keys()

    def revoke_key(self, scope: Scope, key_id: str, at: datetime) -> bool:
        """End a key; False where there is none with this id. One that is over stays so."""
        known = select(keys.c.revoked_at).where(keys.c.id == key_id)
        with self._database.writer() as connection:
            row = connection.execute(known).first()
            if row is None:
                return False
            if row.revoked_at is None:
                ended = update(keys).where(keys.c.id == key_id).values(revoked_at=at)
                connection.execute(ended)
                note(connection, scope, at, "key.revoked", key_id)
        self._forget_keys()
        return True

    def audit(self, scope: Scope, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Return the newest entries, or those before an entry's number, newest first."""
        query = select(audit).order_by(audit.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.number < before)
        with self._database.reader() as connection:
            return [AuditEntry(**fields(row)) for row in connection.execute(query)]


def _user(row: Row[Any]) -> User:
    return User(**fields(row, branches=tuple(row.branches), csms=tuple(row.csms)))


def _key(row: Row[Any]) -> ApiKey:
    scopes = None if row.scopes is None else frozenset(row.scopes)
    return ApiKey(**fields(row, scopes=scopes))


def note(connection: Connection, scope: Scope, at: datetime, what: str, entity: str) -> None:
    """Add an entry to the audit trail, in the transaction of what it is about."""
    connection.execute(
        insert(audit).values({"at": at, "who": scope.who, "what": what, "entity": entity})
    )
