"""Generated ids: UUIDs of version 7, which sort by the millisecond they were made in."""

import secrets
from datetime import datetime
from uuid import UUID

from tallybook.model.time import micros


def new_id(now: datetime) -> str:
    """Return a new id made of the time and 74 random bits (RFC 9562, version 7)."""
    millis = micros(now) // 1000 & (1 << 48) - 1
    random = secrets.randbits(74)
    number = millis << 80 | 7 << 76 | random >> 62 << 64 | 2 << 62 | random & (1 << 62) - 1
    return str(UUID(int=number))
