"""The shapes of subscriptions for the OpenAPI document; see `_answers`."""

from typing import Final

from tallybook.model.schedule import FileFormat, Preset
from tallybook.web.api._shapes import (
    INSTANT,
    MARK,
    TEXT,
    YES_OR_NO,
    Shape,
    many,
    maybe,
    one_of,
    record,
)

ANSWERS_OF_SCHEDULES: Final[dict[str, Shape]] = {
    "ReportSchedule": record(
        id=TEXT,
        owner=TEXT,
        name=TEXT,
        page=TEXT,
        query=TEXT,
        format=one_of(FileFormat),
        schedule=record(preset=maybe(one_of(Preset)), cron=TEXT, timezone=TEXT),
        recipients=many(TEXT),
        enabled=YES_OR_NO,
        created_at=INSTANT,
        next_run=maybe(INSTANT),
    ),
    "ReportRun": record(
        id=TEXT,
        schedule=TEXT,
        due_at=INSTANT,
        decided_at=INSTANT,
        known_at=MARK,
        sent=many(TEXT),
        # By address, why no mail was made for it.
        missed={"type": "object", "additionalProperties": TEXT},
        error=maybe(TEXT),
    ),
}
