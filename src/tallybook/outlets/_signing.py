"""Signatures of the Standard Webhooks scheme, version 1: HMAC-SHA256 over id, time and body, one
for each secret, so that a receiver may change to a new one whenever it likes.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Final

PREFIX: Final = "whsec_"


def signed(secrets: Iterable[str], id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that say what is posted, when, and that it is us.

    Source: https://www.standardwebhooks.com, "Signature scheme".
    """
    moment = str(int(at.timestamp()))
    content = b".".join((id.encode(), moment.encode(), body))
    made = (hmac.digest(_key(one), content, hashlib.sha256) for one in secrets)
    return {
        "webhook-id": id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in made),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
