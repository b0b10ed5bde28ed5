"""The three stores as the rest of the house knows them. What each holds is written in DESIGN §5.

Every query takes the scope of who asks. Instants are UTC; `revision` and `seq` together are a
mark (`model.mark`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol

from tallybook.model.case import Case, CasePage, CaseQuery, CaseStatus, Message
from tallybook.model.delivery import Delivery, DeliveryPage, DeliveryQuery
from tallybook.model.fact import Columns, Fact, Verdict
from tallybook.model.mark import Mark
from tallybook.model.nouns import Document, Meter
from tallybook.model.packed import Batch, Touched
from tallybook.model.people import ApiKey, AuditEntry, Session, User
from tallybook.model.position import Choices, Position, Status, Total
from tallybook.model.schedule import ReportRun, ReportSchedule
from tallybook.model.scope import Member, Scope
from tallybook.model.statement import ClosedStatement
from tallybook.model.usage import (
    PieceRow,
    PiecesQuery,
    Reading,
    ReadingsQuery,
    Traffic,
    TrafficQuery,
    UsageCell,
    UsageQuery,
)

NounName = Literal["account", "meter", "contract"]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a noun: in force from the local day `valid_from`, None from the beginning.

    `number` counts a key's versions from 1; `revision` is the commit of Books that brought it.
    `author` is None where it is not told, as `reason` is then.
    """

    noun: NounName
    key: str
    number: int
    revision: int
    valid_from: date | None
    recorded_at: datetime
    author: str | None
    reason: str | None
    retired: bool
    document: Document


@dataclass(frozen=True, slots=True)
class Draft:
    """A version to be written; Books gives it its number and revision."""

    noun: NounName
    key: str
    document: Document
    valid_from: date | None = None
    reason: str | None = None
    retired: bool = False
    if_match: int | None = None


class Books(Protocol):
    """Definitions as append-only versions, counted by one revision a commit."""

    def revision(self, scope: Scope) -> int:
        """Return the revision of the newest commit."""

    def revision_at(self, scope: Scope, instant: datetime) -> int:
        """Return the newest revision recorded at or before an instant."""

    def write(self, scope: Scope, drafts: Sequence[Draft], recorded_at: datetime) -> list[Version]:
        """Add versions, all in one commit or none.

        Raises:
            Conflict: `version_conflict`, where `if_match` is not the newest number.
        """

    def versions(self, scope: Scope, noun: NounName, *, after: int = 0) -> Iterator[Version]:
        """Yield the versions of revisions above `after`, in order of (revision, key)."""

    def history(self, scope: Scope, noun: NounName, key: str) -> list[Version]:
        """Return every version of one key, oldest first; empty when there is none."""


class Statements(Protocol):
    """Closed statements: one a contract and first day, kept by Books and never changed."""

    def closed(
        self, scope: Scope, contracts: Collection[str], revision: int
    ) -> list[ClosedStatement]:
        """Return those of contracts that a revision knows, in order of (contract, start_date)."""

    def close(self, scope: Scope, statement: ClosedStatement, *, after: int) -> None:
        """Add one in a commit of its own, which has a revision and an entry in the audit trail.

        `after` is how many of the contract were closed when it was worked out, as its adjustments
        and credits follow from those.

        Raises:
            Conflict: `statements_changed`, where another was closed since; nothing was written.
        """


class People(Protocol):
    """Users, sessions, API keys and the audit trail; kept by Books. Each change is audited."""

    def users(self, scope: Scope) -> list[User]:
        """Return all users by email."""

    def user(self, scope: Scope, email: str) -> User | None:
        """Return the user with this address, in lower case."""

    def add_user(self, scope: Scope, user: User) -> None:
        """Add a user.

        Raises:
            Conflict: `user_exists`, where the address is taken.
        """

    def change_user(self, scope: Scope, user: User, at: datetime) -> None:
        """Replace what is known of the user with this id."""

    def session(self, scope: Scope, token_hash: bytes) -> tuple[Session, User] | None:
        """Return a session and its user, also when it is over."""

    def add_session(self, scope: Scope, session: Session) -> None:
        """Open a session."""

    def touch_session(self, scope: Scope, token_hash: bytes, at: datetime) -> None:
        """Note when a session was last seen."""

    def revoke_sessions(
        self, scope: Scope, at: datetime, *, user_id: str, token_hash: bytes | None = None
    ) -> None:
        """End one session of a user, or all of them."""

    def keys(self, scope: Scope) -> list[ApiKey]:
        """Return all API keys, oldest first."""

    def key(self, scope: Scope, prefix: str) -> ApiKey | None:
        """Return the key with this prefix, also when it is over."""

    def add_key(self, scope: Scope, key: ApiKey) -> None:
        """Add a key.

        Raises:
            Conflict: `prefix_taken`.
        """

    def touch_key(self, scope: Scope, key_id: str, at: datetime) -> None:
        """Note when a key was last used."""

    def revoke_key(self, scope: Scope, key_id: str, at: datetime) -> bool:
        """End a key; False where there is none with this id."""

    def audit(self, scope: Scope, limit: int, before: int | None = None) -> list[AuditEntry]:
        """Return the newest entries, or those before an entry's number, newest first."""


class Cases(Protocol):
    """Cases with their messages, kept by Books. Each change is audited, and is one commit with the
    delivery that tells the other side.
    """

    def page(self, scope: Scope, query: CaseQuery) -> CasePage:
        """Return cases, newest first."""

    def case(self, scope: Scope, case_id: str, at: datetime) -> tuple[Case, list[Message]] | None:
        """Return a case whose account the scope sees at an instant, with all its messages."""

    def written(self, scope: Scope, idempotency_key: str) -> tuple[str, Message] | None:
        """Return what who asks has written under their key for a request, and in which case."""

    def open(self, scope: Scope, case: Case, message: Message, delivery: Delivery | None) -> None:
        """Add a case with its first message.

        Raises:
            Conflict: `idempotency_key_used`, where the author has used the message's key before.
        """

    def answer(
        self,
        scope: Scope,
        case_id: str,
        message: Message,
        status: CaseStatus,
        delivery: Delivery | None,
    ) -> None:
        """Add a message to a case, as its next number, and set its status.

        Raises:
            Conflict: `case_closed`, or `idempotency_key_used`.
        """

    def change(self, scope: Scope, case_id: str, status: CaseStatus, at: datetime) -> None:
        """Set the status of a case."""


class Deliveries(Protocol):
    """Messages to people, kept by Books; each was written together with what it tells of."""

    def page(self, scope: Scope, query: DeliveryQuery) -> DeliveryPage:
        """Return deliveries, newest first."""

    def delivery(self, scope: Scope, delivery_id: str, at: datetime) -> Delivery | None:
        """Return a delivery about an account that the scope sees at an instant."""


class Schedules(Protocol):
    """What people have sent to them, kept by Books. Whose a schedule is, is its `owner`: a query
    answers for the one who asks, and for who administers where it says so. Each change is audited.
    """

    def schedules(self, scope: Scope) -> list[ReportSchedule]:
        """Return those of who asks, oldest first."""

    def every(self, scope: Scope) -> list[ReportSchedule]:
        """Return those of everybody, oldest first; only who administers may ask."""

    def schedule(self, scope: Scope, schedule_id: str) -> ReportSchedule | None:
        """Return one of the asker's, or any for who administers."""

    def add(self, scope: Scope, schedule: ReportSchedule) -> ReportSchedule:
        """Add one; where its owner has one with the same `asked`, return that one."""

    def change(self, scope: Scope, schedule: ReportSchedule, at: datetime) -> None:
        """Replace the one with this id but for its `due_at`, if the asker's or who administers."""

    def remove(self, scope: Scope, schedule_id: str, at: datetime) -> bool:
        """Remove one with its runs; False where the asker has none with this id."""

    def decide(
        self, scope: Scope, read: ReportSchedule, run: ReportRun, deliveries: Sequence[Delivery]
    ) -> None:
        """Write a run and what is to be sent in one transaction, and note when it was due.

        Raises:
            Conflict: `run_decided`, where it is by now, is off, or is not as it was `read`.
        """

    def runs(self, scope: Scope, schedule_id: str, limit: int) -> list[ReportRun]:
        """Return the newest runs of one of the asker's, newest first."""


class Ledger(Protocol):
    """Every accepted fact in arrival order: the truth. Decides what is a duplicate, for ever."""

    def append(self, scope: Scope, arrivals: Columns, received_at: datetime) -> Sequence[Verdict]:
        """Decide and store a batch durably; shares its commit with concurrent callers.

        Returns one verdict an arrival, in order, after the commit is on stable storage.

        Raises:
            Unavailable: nothing of the batch was acknowledged.
        """

    def check(self, scope: Scope) -> None:
        """Raise what `append` would, where that can be told without storing anything.

        Raises:
            Unavailable: nothing can be stored now.
        """

    def head(self, scope: Scope) -> int:
        """Return the number of the newest entry, 0 when there is none."""

    def read(self, scope: Scope, after: int, limit: int) -> list[Batch]:
        """Return batches with entries above `after`, about `limit` entries, whole batches; fewer
        where they are large, but one at least where there is one.
        """

    def find(self, scope: Scope, ids: Sequence[tuple[str, str]]) -> list[int | None]:
        """Return the entry of each (source, id), None where there is none in scope."""

    def fetch(self, scope: Scope, seqs: Iterable[int]) -> dict[int, Fact]:
        """Return entries by number."""

    def seq_at(self, scope: Scope, instant: datetime) -> int:
        """Return the last entry before the first that was received after an instant."""


@dataclass(frozen=True, slots=True)
class FactQuery:
    """Which events to list, newest first by (time, seq); `before` continues after a page.

    `state` is how they stand as of `seq`. `known_accounts` and `meters` decide what is unresolved:
    an unknown subject, a type no meter counts, or a property that a meter needs and cannot read.
    With `closes`, ascending ends of days, only what came late: events received at or after the
    first of them that lies beyond their own time.
    """

    members: tuple[Member, ...] | None
    event_type: str | None
    start: datetime
    end: datetime
    seq: int
    limit: int
    before: tuple[datetime, int] | None = None
    state: Literal["counted", "unresolved", "voided", "replaced"] | None = None
    known_accounts: frozenset[str] = frozenset()
    meters: tuple[Meter, ...] = ()
    closes: tuple[datetime, ...] = ()


class Listed(NamedTuple):
    """An event of a list; `hidden_by` is the correction since which it counts no more, None where
    it counts.
    """

    time: datetime
    seq: int
    hidden_by: int | None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one load moved: the position reached and, by event type, the accounts it touched.

    `after` is the position it began from and `received_at` when the newest fact of it came in,
    None where nobody looked.
    """

    seq: int
    touched: Touched
    after: int | None = None
    received_at: datetime | None = None


class Events(Protocol):
    """The same facts as columns; a copy that can be deleted and rebuilt at any time."""

    def position(self, scope: Scope) -> int:
        """Return the ledger number up to which facts are loaded."""

    def load(self, scope: Scope, batches: Sequence[Batch]) -> Loaded:
        """Add facts and the position reached in one transaction; seen batches change nothing."""

    def usage(self, scope: Scope, query: UsageQuery) -> list[UsageCell]:
        """Answer a usage question; see `UsageQuery`."""

    def pieces(self, scope: Scope, query: PiecesQuery) -> list[PieceRow]:
        """Return the events that a meter adds up, one by one; see `PiecesQuery`."""

    def readings(self, scope: Scope, query: ReadingsQuery) -> list[Reading]:
        """Return what counters showed; see `ReadingsQuery`."""

    def facts(self, scope: Scope, query: FactQuery) -> list[Listed]:
        """Return the events that match, newest first."""

    def traffic(self, scope: Scope, query: TrafficQuery) -> list[Traffic]:
        """Return what came in, by account, source and type; see `TrafficQuery`."""

    def types(self, scope: Scope) -> dict[str, int]:
        """Count the stored events of each type."""

    def compact(self, scope: Scope, before: date) -> int:
        """Sort closed days into their months; changes no answer. Returns the rows moved."""

    def clear(self, scope: Scope) -> None:
        """Forget everything, to be loaded again from the ledger."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is this process's to do. `fence` grows with each new holder: what was decided
    under an older one is refused where it is written.
    """

    job: str
    fence: int


class Leases(Protocol):
    """Who does a job, of all processes that could: the one that has its lease, in real time."""

    def claim(self, scope: Scope, job: str) -> Claim | None:
        """Take a job that nobody has, or keep it; None while another process has it."""


LineKey = tuple[str, str]
SnapshotSort = Literal[
    "contract",
    "account",
    "service",
    "status",
    "used",
    "allotment",
    "percent_used",
    "projected",
    "overage",
    "projected_overage",
    "amount",
]


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """What the position snapshot rests on: its mark, at whose instant it was worked out.

    `refreshed_at` is the instant of the last load it has seen.
    """

    mark: Mark
    refreshed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SnapshotQuery:
    """Which lines to list; None does not narrow.

    `accounts` are whose contracts; `states` are statuses or flags, any of which will do; `text`
    is found in names and keys. Ties are broken by contract and line, in the same direction. With
    `limit` 0 only totals and counts are asked for.
    """

    accounts: frozenset[str] | None = None
    contract: str | None = None
    states: frozenset[Status | Literal["likely_over", "low_use"]] = frozenset()
    service: str | None = None
    branch: str | None = None
    csm: str | None = None
    text: str | None = None
    sort: SnapshotSort = "contract"
    descending: bool = False
    offset: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class SnapshotPage:
    """Some lines, how many there are in all, and their totals by service, unit and currency.

    `counts` say how many lines are in each state, whatever `states` asked for; `all` is all.
    """

    items: tuple[Position, ...]
    total: int
    counts: Mapping[str, int]
    totals: tuple[Total, ...]
    state: SnapshotState | None


@dataclass(frozen=True, slots=True)
class SnapshotWalk:
    """All lines that match, one after the other, of one mark; `total` counts them."""

    items: Iterator[Position]
    total: int
    state: SnapshotState | None


class Snapshot(Protocol):
    """Where every line stands now: derived rows, all of one mark; can be rebuilt at any time."""

    def state(self, scope: Scope) -> SnapshotState | None:
        """Return what the snapshot rests on, None before the first refresh."""

    def replace(
        self,
        scope: Scope,
        state: SnapshotState,
        positions: Iterable[Position],
        *,
        claim: Claim,
        gone: Collection[LineKey] = (),
        everything: bool = False,
    ) -> None:
        """Write these lines, drop those that are gone, or all others; who reads sees all or none.

        Raises:
            Conflict: `lease_lost`, where the claim is another's by now.
        """

    def page(self, scope: Scope, query: SnapshotQuery) -> SnapshotPage:
        """Return the lines of contracts whose account the scope sees at the snapshot's instant."""

    def walk(self, scope: Scope, query: SnapshotQuery) -> AbstractContextManager[SnapshotWalk]:
        """Open the lines of `page`, all of them whatever its `offset` and `limit`, for one reading
        inside the block; refreshes go on meanwhile and are not seen.
        """

    def together(self, scope: Scope, query: SnapshotQuery) -> tuple[Position, ...]:
        """Return the lines of a service added up to one for each kind of course that they take, as
        far as this is kept; none where the query narrows to what is not.

        Such a line is of no contract and no account: it has the days of all, and where they are
        heading.
        """

    def choices(self, scope: Scope) -> Choices:
        """Return what the lines that the scope sees can be narrowed to."""
