"""What somebody has sent to them regularly: a page as a file, and when; and what became of it each
time. Sends nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from tallybook.model.mark import Mark

Preset = Literal["hourly", "weekday_mornings", "daily", "weekly", "monthly"]
FileFormat = Literal["csv", "xlsx", "parquet"]

#: When each preset is due, by the clock of its zone.
PRESETS: Final[dict[Preset, str]] = {
    "hourly": "0 * * * *",
    "weekday_mornings": "0 7 * * 1-5",
    "daily": "0 7 * * *",
    "weekly": "0 7 * * 1",
    "monthly": "0 7 1 * *",
}


@dataclass(frozen=True, slots=True)
class ReportSchedule:
    """A page that its owner wants as a file at times: `page` is its path and `query` what narrows
    it, in one order. `cron` counts by the clock of `timezone`; of the presets it is in PRESETS.

    It holds no rights: it is sent with what each of its recipients may see then. What was due until
    `since` is not made up for; `due_at` is when it last was due, and was decided.
    """

    id: str
    owner: str
    name: str
    page: str
    query: str
    format: FileFormat
    cron: str
    timezone: str
    recipients: tuple[str, ...]
    enabled: bool
    created_at: datetime
    since: datetime
    due_at: datetime | None = None

    @property
    def asked(self) -> tuple[object, ...]:
        """Return what makes two of one owner the same: what is sent, when and to whom."""
        return self.page, self.query, self.format, self.cron, self.timezone, self.recipients

    @property
    def preset(self) -> Preset | None:
        """Return the preset that its times are, if they are one."""
        return preset_of(self.cron)


@dataclass(frozen=True, slots=True)
class ReportRun:
    """One time that a subscription was due, decided once: `sent` are those who get a mail, `missed`
    says by address why others get none, and `error` why nobody does.
    """

    id: str
    schedule: str
    due_at: datetime
    decided_at: datetime
    known_at: Mark
    sent: tuple[str, ...]
    missed: Mapping[str, str]
    error: str | None = None


def preset_of(cron: str) -> Preset | None:
    """Return the preset that these fields of cron are, if they are one."""
    return next((name for name, fields in PRESETS.items() if fields == cron), None)
