"""The composition root: the only place where settings, stores, clock and mail meet."""
