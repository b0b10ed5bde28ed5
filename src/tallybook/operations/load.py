"""The loader: entries of the ledger become columns of the events store, here or elsewhere."""

from dataclasses import replace
from threading import Lock

from tallybook.model.limits import LOAD_EVENTS_MAX
from tallybook.model.ports import Events, Leases, Ledger, Loaded
from tallybook.model.scope import Scope, operator
from tallybook.operations.known import received
from tallybook.operations.refresh import JOB, Refresher


def load_once(scope: Scope, ledger: Ledger, events: Events) -> Loaded | None:
    """Load what was accepted since the last step, up to a limit; None when there is nothing new.

    The events store keeps the position reached in the same commit, so a step that was cut off is
    simply done again.
    """
    after = events.position(scope)
    batches = ledger.read(scope, after, LOAD_EVENTS_MAX)
    if not batches:
        return None
    loaded = events.load(scope, batches)
    return replace(loaded, after=after, received_at=batches[-1].received_at)


class Loader:
    """Knows how far the events are loaded, and tells the refresher what each load has touched.

    Of the processes that share the events the one that keeps the snapshot loads them, as it so
    learns what it has to work out; the others follow.
    """

    def __init__(
        self,
        ledger: Ledger,
        events: Events,
        leases: Leases,
        refresher: Refresher,
        *,
        is_shared: bool,
    ) -> None:
        """Start from what is loaded; `is_shared` where other processes use the same events."""
        self._ledger = ledger
        self._events = events
        self._leases = leases
        self._refresher = refresher
        self._is_shared = is_shared
        self._stepping = Lock()
        seq = events.position(operator())
        #: The newest step, whoever did it.
        self.loaded = Loaded(seq, {}, received_at=received(ledger, seq))

    def step(self, scope: Scope) -> bool:
        """Load some, where that is for this process to do, or follow; tell whether it loaded."""
        with self._stepping:  # a tick may come beside the loop: positions are noted in order
            if self.keeps_events(scope):
                loaded = load_once(scope, self._ledger, self._events)
                if loaded is not None:
                    self._note(loaded)
                    return True
            self._follow(scope)  # also where nothing is new: another may have loaded it
            return False

    def keeps_events(self, scope: Scope) -> bool:
        """Tell whether this process loads and sorts the events now."""
        return not self._is_shared or self._leases.claim(scope, JOB) is not None

    def _follow(self, scope: Scope) -> None:
        """Take note of how far another process has loaded; what that touched is not known here."""
        seq = self._events.position(scope)
        if seq != self.loaded.seq:
            self._note(Loaded(seq, {}, after=-1, received_at=received(self._ledger, seq)))

    def _note(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self._refresher.touch(loaded)
