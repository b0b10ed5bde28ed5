"""When something is due: fields of cron by the clock of a zone. A time that a change of the clock
leaves out is due as the clock has gone forward; one that comes twice is due once.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Self

from cronsim import CronSim, CronSimError
from pydantic import StringConstraints, model_validator

from tallybook.model import limits
from tallybook.model.errors import Invalid
from tallybook.model.nouns import Noun, Zone
from tallybook.model.schedule import PRESETS, Preset
from tallybook.model.time import zone as zone_of

_CRON_FIELDS: Final = 5
#: How far back the last due time is looked for, step by step: what is often due is found at once.
_BACK: Final = (timedelta(hours=2), timedelta(days=2), timedelta(days=40))


class Times(Noun):
    """When something is due: a preset, or five fields of cron, by the clock of a zone."""

    preset: Preset | None = None
    cron: Annotated[str | None, StringConstraints(max_length=limits.NAME_CHARS_MAX)] = None
    timezone: Zone = "UTC"

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.preset is None) == (self.cron is None):
            raise ValueError("give a preset or cron, not both")
        return self

    @property
    def fields(self) -> str:
        """Return the fields of cron."""
        return PRESETS[self.preset] if self.preset else " ".join((self.cron or "").split())


def next_due(cron: str, timezone: str, after: datetime) -> datetime:
    """Return the first time after an instant, in UTC.

    Raises:
        Invalid: `cron_invalid`.
    """
    if len(cron.split()) != _CRON_FIELDS:
        raise _cron_invalid(cron, "it needs five fields")
    local = after.astimezone(zone_of(timezone))
    try:
        times = (due.astimezone(UTC) for due in CronSim(cron, local))
        # In an hour that comes twice the first of what follows may lie in the first of the two.
        return next(due for due in times if due > after)
    except (CronSimError, OverflowError, StopIteration) as e:  # the second: after the year 9999
        raise _cron_invalid(cron, str(e) or "it is never due") from e


def last_due(cron: str, timezone: str, after: datetime, now: datetime) -> datetime | None:
    """Return the last time after an instant and not after `now`, in UTC; None where there is none.

    Raises:
        Invalid: `cron_invalid`.
    """
    if after >= now or next_due(cron, timezone, after) > now:
        return None
    for start in (*(now - back for back in _BACK), after):
        found = None
        due = next_due(cron, timezone, max(after, start))
        while due <= now:
            found, due = due, next_due(cron, timezone, due)
        if found is not None or start <= after:
            return found
    return None


def check_snooze(until: datetime | None, now: datetime, field: str) -> None:
    """Refuse to be silent until what has passed, and for ever, as nobody would remember it.

    Raises:
        Invalid: `until_passed`, `until_too_far`.
    """
    if until is None:
        return
    if until <= now:
        raise Invalid(
            "until_passed", "The end of the snooze has passed; choose a later day.", field=field
        )
    if until - now > timedelta(days=limits.SNOOZE_DAYS_MAX):
        raise Invalid(
            "until_too_far",
            f"{field} is more than {limits.SNOOZE_DAYS_MAX:,} days ahead; switch it off instead.",
            field=field,
        )


def _cron_invalid(cron: str, why: str) -> Invalid:
    return Invalid(
        "cron_invalid",
        f"{cron!r} is no time of cron: {why}; write for example '0 7 * * 1-5'.",
        field="schedule.cron",
    )
