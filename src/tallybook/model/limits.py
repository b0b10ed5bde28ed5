"""Every limit of the product, in one place, with its unit in its name."""

from datetime import timedelta
from typing import Final

BATCH_EVENTS_MAX: Final = 10_000
BODY_BYTES_MAX: Final = 8 * 1024 * 1024
#: Of a body that is refused: read to its end, so that the sender sees the answer.
BODY_BYTES_READ_MAX: Final = 64 * 1024 * 1024
EVENT_BYTES_MAX: Final = 64 * 1024
EVENT_ID_CHARS_MAX: Final = 256
EVENT_AHEAD_MAX: Final = timedelta(minutes=5)
JSON_DEPTH_MAX: Final = 32
#: A correction with the event in it that counts instead.
CORRECTION_BYTES_MAX: Final = 2 * EVENT_BYTES_MAX
CORRECTIONS_OF_AN_EVENT_MAX: Final = 100
REASON_CHARS_MAX: Final = 1_000

#: Of one request that brings definitions in, all or none.
DEFINITIONS_MAX: Final = 20_000
DEFINITIONS_BYTES_MAX: Final = 32 * 1024 * 1024

#: Of a message in a case, and how many one may have.
MESSAGE_CHARS_MAX: Final = 10_000
MESSAGES_OF_A_CASE_MAX: Final = 500

KEY_CHARS_MAX: Final = 128
NAME_CHARS_MAX: Final = 256
TREE_DEPTH_MAX: Final = 16
TIERS_MAX: Final = 100
#: Of a price by one or two dimensions.
CELLS_MAX: Final = 1_000
LINES_MAX: Final = 500
PHASES_MAX: Final = 100
CYCLE_LENGTH_MAX: Final = 3_660
DIMENSIONS_MAX: Final = 32
FILTER_TERMS_MAX: Final = 20
GROUP_BY_FIELDS_MAX: Final = 2

QUANTITY_INTEGER_DIGITS_MAX: Final = 18
QUANTITY_FRACTION_DIGITS_MAX: Final = 12
PRICE_DIGITS_MAX: Final = 38
EXPONENT_MAX: Final = 18

BUCKETS_MAX: Final = 10_000
CURSOR_CHARS_MAX: Final = 512
PAGE_ROWS_DEFAULT: Final = 50
PAGE_ROWS_MAX: Final = 500
#: Of one file; a sheet of Excel has no more.
EXPORT_ROWS_MAX: Final = 1_000_000
#: Of one owner, and of what narrows the page of one.
SCHEDULES_MAX: Final = 100
SUBSCRIPTIONS_MAX: Final = 1_000
SNOOZE_DAYS_MAX: Final = 3_660
PAGE_QUERY_CHARS_MAX: Final = 2_000
QUERY_SECONDS_MAX: Final = 30
#: Of one preview of a check, the dearest first.
PREVIEW_FINDINGS_MAX: Final = 10_000
#: Past periods that forecasts are tried on: of one line, and of all in one answer.
BACKTEST_PERIODS_MAX: Final = 24
BACKTEST_PERIODS_OF_ALL_MAX: Final = 1_000
#: Events that a price looks at one by one, for one line in one of its cycles; and in one answer.
PIECES_MAX: Final = 1_000_000
PIECES_A_QUESTION: Final = 50_000

#: How far ahead a statement may be asked for: all before it may have to be worked out as well.
STATEMENT_AHEAD_DAYS_MAX: Final = 3_660
#: How long closing waits for the events that were accepted before it to be loaded.
CLOSE_WAIT_SECONDS: Final = 10

#: How long it is kept how many events of an hour were accepted and refused.
INTAKE_DAYS: Final = 35

BACKLOG_EVENTS_MAX: Final = 1_000_000
BACKLOG_RETRY_SECONDS: Final = 2
LOAD_EVENTS_MAX: Final = 100_000
LOAD_INTERVAL_SECONDS: Final = 0.5

#: A process that says nothing for so long has lost its jobs to others.
LEASE_SECONDS: Final = 15

#: Of a delivery that does not succeed: how long until it is tried again, the last for all later
#: ones, and how often it is tried, which is about seven days.
DELIVERY_PAUSES_SECONDS: Final = (30, 60, 120, 240, 480)
DELIVERY_ATTEMPTS_MAX: Final = 1_260
#: Of one attempt, and of what one process takes at once; nobody else touches that for so long.
DELIVERY_SECONDS_MAX: Final = 60
DELIVERIES_A_CLAIM: Final = 50
DELIVERY_LEASE_SECONDS: Final = 600
#: Of the file of a mail: what is larger is fetched from the page.
ATTACHMENT_BYTES_MAX: Final = 5 * 1024 * 1024
ATTACHMENT_ROWS_MAX: Final = 20_000
#: How long it is kept once its mail is dead, for who sends that again.
DEAD_FILE_DAYS: Final = 7

WEBHOOKS_MAX: Final = 100
WEBHOOK_URL_CHARS_MAX: Final = 2_000
#: How long a secret that was replaced signs beside the new one.
SECRET_OVERLAP_HOURS: Final = 24
