"""An address of somebody's program that deliveries are posted to, and how they are signed. Posts
nothing itself.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: What is posted: JSON signed by the Standard Webhooks scheme, or what Slack and its kin show.
WebhookFormat = Literal["standard", "slack"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A signing secret as the Standard Webhooks scheme writes it: `whsec_` and base64. One that was
    replaced signs beside the new one until `until`.
    """

    text: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where deliveries are posted to. Its `secrets`, newest first, are shown once each; `owner` is
    who added it. One that is not `enabled` has its deliveries die visibly.
    """

    id: str
    name: str
    url: str
    format: WebhookFormat
    owner: str
    secrets: tuple[Secret, ...]
    enabled: bool
    created_at: datetime

    def signing(self, at: datetime) -> tuple[str, ...]:
        """Return the secrets that sign at an instant, newest first."""
        return tuple(s.text for s in self.secrets if s.until is None or at < s.until)
