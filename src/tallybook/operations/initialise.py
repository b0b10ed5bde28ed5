"""Makes a new installation usable: its administrator and a first API key, shown once."""

from datetime import datetime
from typing import TypedDict

from tallybook.model.errors import Conflict
from tallybook.model.nouns import parse
from tallybook.model.ports import People
from tallybook.model.scope import operator
from tallybook.operations import credentials
from tallybook.operations.directory import Directories
from tallybook.operations.people import NewUser, make_key, put_user


class Initialised(TypedDict):
    """What the operator must note down."""

    admin_email: str
    admin_password: str
    api_key: str


def initialise(
    people: People, directories: Directories, admin_email: str, now: datetime
) -> Initialised:
    """Add the administrator and a key with the role admin.

    The user is added last: it is what makes an installation initialised.

    Raises:
        Conflict: `already_initialised`.
        Invalid: `document_invalid`, for an address that is none.
    """
    scope = operator("init")
    if people.users(scope):
        raise Conflict(
            "already_initialised",
            "This data folder has an administrator; choose an empty folder, or sign in.",
        )
    password = credentials.new_password()
    body = {"email": admin_email, "role": "admin", "password": password}
    parse(NewUser, body)
    made = make_key(scope, people, directories, {"name": "first", "role": "admin"}, now)
    user = put_user(scope, people, directories, body, now)
    return {"admin_email": user.email, "admin_password": password, "api_key": made.secret}
