"""Settings: one frozen value, read once from the environment. Nothing else reads it."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an installation decides; each field is `TALLYBOOK_` and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix="TALLYBOOK_", frozen=True, extra="ignore")

    #: The data folder of the embedded stores; one folder has one owner process.
    data: Path = Path("data")
    #: The PostgreSQL database of Books and the ledger; without one they are files of the folder.
    database_url: SecretStr | None = None
    #: The ClickHouse database of the copy of the events; without one it is a file of the folder.
    events_url: SecretStr | None = None
    #: Allows `PUT /api/v1/test-clock`; set by `serve --test-clock` only.
    test_clock: bool = False
    #: Networks that webhooks may reach although they are private, with commas between them.
    webhook_allow: str = ""
    #: Where mail goes; empty means that deliveries wait in the outbox.
    smtp_url: SecretStr | None = None
    #: Whom mail is from, with or without a name.
    mail_from: str = "Tallybook <tallybook@localhost>"
    #: Where people find the pages: the beginning of each link in what is sent.
    site_url: str = "http://127.0.0.1:8000"
