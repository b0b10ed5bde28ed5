"""Brings a database to the schema this code expects, and refuses one that is newer."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tallybook.model.errors import Unavailable
from tallybook.stores.books.schema import HEAD

FOLDER: Final = Path(__file__).parent / "migrations"


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, inside the caller's transaction: all or none.

    Raises:
        Unavailable: `schema_newer`, for data that a newer Tallybook has written.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    if found == HEAD:
        return
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise Unavailable(
            "schema_newer",
            f"This data was written by a newer Tallybook (schema {found}; this one knows "
            f"{HEAD}); run that version, or restore a backup.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
