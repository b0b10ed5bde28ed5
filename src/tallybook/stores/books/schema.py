"""The tables of Books. Changes to them are files of `migrations`."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    UniqueConstraint,
)

from tallybook.stores.books.columns import Instant, Json, Word
from tallybook.stores.migrate import Schema

#: The migration this code was written for; a test compares it with the newest file there is.
HISTORY: Final = Schema("books", head="v0018", table="alembic_version")


#: The decimals of a line and the columns each lies in.
LIMBS: Final = {
    **dict.fromkeys(("used", "allotment", "overage", "projected", "projected_overage"), "mu"),
    **dict.fromkeys(("amount", "overage_amount", "projected_amount"), "mun"),
}


#: What lists are sorted by, and the columns of each: an index has them, then the key, then what
#: lists are narrowed by, so that no line is read that is not shown. Least is what has no value.
SORTS: Final = {
    "account": ("account_name",),
    "service": ("service",),
    "status": ("status",),
    "percent_used": ("percent",),
    **{name: tuple(f"{name}_{limb}" for limb in limbs) for name, limbs in LIMBS.items()},
}
_NARROW: Final = ("contract", "code", "service", "status", "likely_over", "low_use", "branch")


metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

revision: Final = Table(
    "revision",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("recorded_at", Instant, nullable=False),
)

#: `account` is whose the version is, for the scope of a query; null is everybody's.
version: Final = Table(
    "version",
    metadata,
    Column("noun", Word, primary_key=True),
    Column("key", Word, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("revision", Integer, ForeignKey("revision.number"), nullable=False),
    Column("valid_from", Date),
    Column("author", Word, nullable=False),
    Column("reason", Word),
    Column("retired", Boolean, nullable=False),
    Column("account", Word),
    Column("document", Json, nullable=False),
    Index(None, "noun", "revision", "key", "number"),
)

user: Final = Table(
    "app_user",
    metadata,
    Column("id", Word, primary_key=True),
    Column("email", Word, nullable=False, unique=True),
    Column("name", Word),
    Column("role", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("password_hash", Word),
    Column("account", Word),
    Column("branches", Json, nullable=False),
    Column("csms", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

session: Final = Table(
    "session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Word, ForeignKey("app_user.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

api_key: Final = Table(
    "api_key",
    metadata,
    Column("id", Word, primary_key=True),
    Column("prefix", Word, nullable=False, unique=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", Word, nullable=False),
    Column("role", Word, nullable=False),
    Column("account", Word),
    Column("scopes", Json),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Word, nullable=False),
    Column("expires_at", Instant),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)

audit: Final = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", Word, nullable=False),
    Column("what", Word, nullable=False),
    Column("entity", Word, nullable=False),
)

#: Closed statements, which never change. `document` is canonical JSON under zstd; the revision says
#: when it was closed, `known_at` is the mark that it was worked out for.
statement: Final = Table(
    "statement",
    metadata,
    Column("contract", Word, primary_key=True),
    Column("start_date", Date, primary_key=True),
    Column("end_date", Date, nullable=False),
    Column("account", Word, nullable=False),
    Column("revision", Integer, ForeignKey("revision.number"), nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("sha256", Word, nullable=False),
    Column("known_at", Word, nullable=False),
    Column("closed_by", Word, nullable=False),
    Column("reason", Word),
)

#: The position snapshot: what lists sort, filter and add up. `stores.books.limbs` says how a
#: decimal lies in columns `_m` (millions), `_u` and, for amounts, `_n`. Only the generation that
#: `line_state` names is read: another is one being written, or left behind.
line: Final = Table(
    "line",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", Word, primary_key=True),
    Column("code", Word, primary_key=True),
    Column("account", Word, nullable=False),
    Column("account_name", Word, nullable=False),
    Column("service", Word, nullable=False),
    Column("unit", Word, nullable=False),
    Column("currency", Word, nullable=False),
    Column("branch", Word),
    Column("csm", Word),
    Column("status", Word, nullable=False),
    Column("likely_over", Boolean, nullable=False),
    Column("low_use", Boolean, nullable=False),
    Column("percent", BigInteger),
    *(Column(f"{name}_{limb}", BigInteger) for name, limbs in LIMBS.items() for limb in limbs),
    Index(None, "generation", "account"),
    Index(None, "generation", "csm", "branch"),
)

#: What is found by its text: apart, and with the generation last, so that looking through all of it
#: reads little.
line_text: Final = Table(
    "line_text",
    metadata,
    Column("contract", Word, primary_key=True),
    Column("code", Word, primary_key=True),
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Word, nullable=False),
)

for _name, _columns in SORTS.items():
    Index(
        f"ix_line_by_{_name}",
        line.c.generation,
        *(line.c[_column].nulls_first() for _column in _columns),
        *(line.c[_column] for _column in _NARROW if _column not in _columns),
    )

#: The whole position of a line, kept apart so that sorting and adding up read little.
line_body: Final = Table(
    "line_body",
    metadata,
    Column("generation", BigInteger, primary_key=True, autoincrement=False),
    Column("contract", Word, primary_key=True),
    Column("code", Word, primary_key=True),
    Column("body", LargeBinary, nullable=False),
)

#: The sums of the lines that are alike, kept up with each refresh: see `stores.books.totals`. They
#: are of all lines where `cut` and `value` are empty, else of those with this value in the column.
line_total: Final = Table(
    "line_total",
    metadata,
    Column("cut", Word, primary_key=True),
    Column("value", Word, primary_key=True),
    Column("service", Word, primary_key=True),
    Column("unit", Word, primary_key=True),
    Column("currency", Word, primary_key=True),
    Column("status", Word, primary_key=True),
    Column("likely_over", Boolean, primary_key=True),
    Column("low_use", Boolean, primary_key=True),
    Column("alike", Word, primary_key=True),
    Column("lines", BigInteger, nullable=False),
    Column("sums", Json, nullable=False),
    Column("days", Json, nullable=False),
)

#: One row: what the snapshot rests on. `version` grows with each refresh.
line_state: Final = Table(
    "line_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Column("refreshed_at", Instant),
)

#: One row a job: which process does it until when, by the database's clock. `fence` counts holders.
#: It is about processes: a move of the data to another database leaves it where it is.
lease: Final = Table(
    "lease",
    metadata,
    Column("name", Word, primary_key=True),
    Column("holder", Word, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False),
    info={"stays": True},
)

#: Messages to people: decided once, attempted until done. Whoever sends takes those that are
#: `queued` or `failed` and due, and holds each for a while. `numbers` are what the message is
#: about, without prices.
delivery: Final = Table(
    "delivery",
    metadata,
    Column("id", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("account", Word, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("subject", Word, nullable=False),
    Column("body", Word, nullable=False),
    Column("link", Word, nullable=False),
    Column("numbers", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Word, nullable=False),
    Column("status", Word, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("error", Word),
    Column("html", Word),
    Column("cc", Json, nullable=False),
    Column("bcc", Json, nullable=False),
    Column("channel", Word, nullable=False),
    Column("target", Word),
    Column("sequence_of", Word),
    Column("subscription", Word),
    Column("run", Word),
    Column("holder", Word),
    Column("held_until", BigInteger),
    Column("reached", Json, nullable=False),
    Index(None, "account", "id"),
    Index(None, "status", "due_at"),
    Index(None, "sequence_of", "status", "id"),
    Index(None, "subscription", "id"),
    Index(None, "run", "id"),
)

#: Questions and discrepancies; `shown` is what the page showed, `text` what a search looks through.
case: Final = Table(
    "app_case",
    metadata,
    Column("id", Word, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("account", Word, nullable=False),
    Column("contract", Word, nullable=False),
    Column("line", Word, nullable=False),
    Column("shown", Json, nullable=False),
    Column("status", Word, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Word, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("text", Word, nullable=False),
    Index(None, "account", "status", "id"),
    Index(None, "status", "id"),
)

#: What both sides wrote, never changed. A form that is sent twice has the same `idempotency_key`.
case_message: Final = Table(
    "case_message",
    metadata,
    Column("case_id", Word, ForeignKey("app_case.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("author", Word, nullable=False),
    Column("side", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Word, nullable=False),
    Column("delivery_id", Word, ForeignKey("delivery.id")),
    Column("idempotency_key", Word),
    UniqueConstraint("author", "idempotency_key"),
)


#: The files of mails that are not sent yet, or died a short while ago.
attachment: Final = Table(
    "attachment",
    metadata,
    Column("delivery_id", Word, ForeignKey("delivery.id"), primary_key=True),
    Column("name", Word, nullable=False),
    Column("media_type", Word, nullable=False),
    Column("content", LargeBinary, nullable=False),
)


#: Pages that people want as files at times. They hold no rights: see `model.schedule`. `due_at` is
#: when one was decided last.
report_schedule: Final = Table(
    "report_schedule",
    metadata,
    Column("id", Word, primary_key=True),
    Column("owner", Word, nullable=False),
    Column("name", Word, nullable=False),
    Column("page", Word, nullable=False),
    Column("query", Word, nullable=False),
    Column("format", Word, nullable=False),
    Column("cron", Word, nullable=False),
    Column("timezone", Word, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("since", Instant, nullable=False),
    Column("due_at", Instant),
    Index(None, "owner"),
)

report_run: Final = Table(
    "report_run",
    metadata,
    Column("id", Word, primary_key=True),
    Column("schedule", Word, ForeignKey("report_schedule.id"), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("known_at", Word, nullable=False),
    Column("sent", Json, nullable=False),
    Column("missed", Json, nullable=False),
    Column("error", Word),
    Index(None, "schedule", "id"),
)


#: Who wants to hear of a check: see `model.alert`. `due_at` is when it was decided last.
alert_subscription: Final = Table(
    "alert_subscription",
    metadata,
    Column("id", Word, primary_key=True),
    Column("check_code", Word, nullable=False),
    Column("name", Word, nullable=False),
    Column("owner", Word, nullable=False),
    Column("values", Json, nullable=False),
    Column("accounts", Json, nullable=False),
    Column("branches", Json, nullable=False),
    Column("cron", Word, nullable=False),
    Column("timezone", Word, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("subject", Word, nullable=False),
    Column("split_by", Word, nullable=False),
    Column("mode", Word, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("snooze_until", Instant),
    Column("snooze_note", Word),
    Column("digest", Word),
    Column("sends_empty", Boolean, nullable=False),
    Column("excluded", Json, nullable=False),
    Column("due_at", Instant),
)

#: What each evaluation came to.
alert_run: Final = Table(
    "alert_run",
    metadata,
    Column("id", Word, primary_key=True),
    Column("subscription", Word, nullable=False),
    Column("kind", Word, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    Column("known_at", Word, nullable=False),
    Column("evaluated", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    Column("said", Integer, nullable=False),
    Column("resolved", Integer, nullable=False),
    Column("unjudged", Json, nullable=False),
    Column("error", Word),
    Index(None, "subscription", "id"),
)

#: What is remembered of what was found; `amount` is the money at risk, `text` what a search looks
#: through.
finding: Final = Table(
    "finding",
    metadata,
    Column("id", Word, primary_key=True),
    Column("subscription", Word, nullable=False),
    Column("entity", Word, nullable=False),
    Column("step", Word, nullable=False),
    Column("period", Word, nullable=False),
    Column("check_code", Word, nullable=False),
    Column("account", Word, nullable=False),
    Column("contract", Word),
    Column("line", Word),
    Column("branch", Word),
    Column("state", Word, nullable=False),
    Column("severity", Word, nullable=False),
    Column("message", Word, nullable=False),
    Column("inputs", Json, nullable=False),
    Column("outputs", Json, nullable=False),
    Column("amount_m", BigInteger),
    Column("amount_u", BigInteger),
    Column("amount_n", BigInteger),
    Column("currency", Word),
    Column("status", Word, nullable=False),
    Column("first_seen", Instant, nullable=False),
    Column("last_seen", Instant, nullable=False),
    Column("fingerprint", Word),
    Column("seen_state", Word),
    Column("said_at", Instant),
    Column("resolved_at", Instant),
    Column("until", Instant),
    Column("note", Word),
    Column("revision", Integer, nullable=False),
    Column("text", Word, nullable=False),
    UniqueConstraint("subscription", "entity", "step", "period"),
    Index(None, "status", "id"),
    Index(None, "account", "status"),
)

#: What happened to findings, never changed.
finding_event: Final = Table(
    "finding_event",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("finding", Word, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Word, nullable=False),
    Column("act", Word, nullable=False),
    Column("note", Word),
    Index(None, "finding", "number"),
)


#: Where deliveries are posted to; `secrets` are what signs them.
webhook: Final = Table(
    "webhook",
    metadata,
    Column("id", Word, primary_key=True),
    Column("name", Word, nullable=False),
    Column("url", Word, nullable=False),
    Column("format", Word, nullable=False),
    Column("owner", Word, nullable=False),
    Column("secrets", Json, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)


#: How many events were accepted and refused in an hour: see `model.intake`.
intake: Final = Table(
    "intake",
    metadata,
    Column("hour", Instant, primary_key=True, autoincrement=False),
    Column("sender", Word, primary_key=True),
    Column("status", Word, primary_key=True),
    Column("code", Word, primary_key=True),
    Column("events", BigInteger, nullable=False),
)


def fields(row: Row[Any], **changes: object) -> dict[str, Any]:
    """Return a row's columns as arguments for the value it stands for."""
    return {**row._asdict(), **changes}
