"""Brings the tables of a store to what this code expects, and refuses those that are newer."""

from pathlib import Path
from threading import Lock
from typing import Final, NamedTuple

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tallybook.model.errors import Unavailable

_HERE: Final = Path(__file__).parent
#: Alembic has what it runs in variables of its modules.
_ALONE: Final = Lock()


class Schema(NamedTuple):
    """The history of a store's tables: a folder of steps, and the newest this code knows.

    `table` is where a database keeps how far it is; two stores may share a database.
    """

    store: str
    head: str
    table: str

    @property
    def scripts(self) -> ScriptDirectory:
        """The steps, in order."""
        return ScriptDirectory.from_config(self.config)

    @property
    def config(self) -> Config:
        """What Alembic wants to know."""
        config = Config()
        versions = _HERE / self.store / "migrations" / "versions"
        for name, value in (
            ("script_location", _HERE / "migrations"),
            ("version_locations", versions),
            ("path_separator", "newline"),
        ):
            config.set_main_option(name, str(value).replace("%", "%%"))
        return config

    def upgrade(self, connection: Connection, to: str = "head") -> None:
        """Run the steps that are missing, inside the caller's transaction: all or none.

        Raises:
            Unavailable: `schema_newer`, for data that a newer Tallybook has written.
        """
        where = {"version_table": self.table}
        found = MigrationContext.configure(connection, opts=where).get_current_revision()
        if found == self.head:
            return
        if found is not None and found not in {s.revision for s in self.scripts.walk_revisions()}:
            raise Unavailable(
                "schema_newer",
                f"The data of the store {self.store} was written by a newer Tallybook (schema "
                f"{found}; this one knows {self.head}); run that version, or restore a backup.",
            )
        config = self.config
        config.attributes["configure"] = {"connection": connection, **where}
        with _ALONE:
            command.upgrade(config, to)
