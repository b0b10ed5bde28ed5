"""The application, imported when a command runs rather than when it is explained.

It brings the web framework and every store, over a second of imports; `serve --help` needs none.
"""

from typing import TYPE_CHECKING

import tallybook
from tallybook.model import kinds

__all__ = ["app"]

if TYPE_CHECKING:
    from tallybook import app
else:

    class _Later:
        """Stands for the module `app` until something of it is asked for."""

        def __getattr__(self, name: str) -> object:
            return getattr(kinds.load(tallybook, "app"), name)

    app = _Later()
