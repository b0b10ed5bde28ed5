"""What somebody has sent to them regularly: a page as a file, and when. Sends nothing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

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

    It holds no rights: whoever sends it asks for the page with what the owner may see then.
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

    @property
    def preset(self) -> Preset | None:
        """Return the preset that its times are, if they are one."""
        return preset_of(self.cron)


def preset_of(cron: str) -> Preset | None:
    """Return the preset that these fields of cron are, if they are one."""
    return next((name for name, fields in PRESETS.items() if fields == cron), None)
