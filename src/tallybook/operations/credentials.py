"""Makes and checks passwords, session tokens and API keys. Stores nothing and knows nobody.

Passwords are slow to check, because people choose them; tokens and keys are random, so that one
SHA-256 is enough.
"""

import base64
import hashlib
import re
import secrets
import zlib
from functools import cache
from typing import Final, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_CHARS_MAX: Final = 1_000
PASSWORD_CHARS_MIN: Final = 12

#: OWASP's small profile, 33 ms here: 19 MiB, two passes, one lane.
_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_PREFIX_BYTES: Final = 5
_SECRET_BYTES: Final = 20
_KEY: Final = re.compile(r"(tb_([a-z2-7]{8})_[a-z2-7]{32})([a-z2-7]{7})", re.ASCII)


class NewKey(NamedTuple):
    """A key as it is shown once, and what is kept of it."""

    text: str
    prefix: str
    secret_hash: bytes


def new_key() -> NewKey:
    """Make a key: `tb_`, a public prefix, 160 random bits and a checksum for those who scan."""
    prefix = _base32(secrets.token_bytes(_PREFIX_BYTES))
    body = f"tb_{prefix}_{_base32(secrets.token_bytes(_SECRET_BYTES))}"
    text = body + _checksum(body)
    return NewKey(text, prefix, digest(text))


def prefix_of(key: str) -> str | None:
    """Return the prefix of a well-formed key, None for anything else."""
    found = _KEY.fullmatch(key)
    return found[2] if found and found[3] == _checksum(found[1]) else None


def new_token() -> str:
    """Make a session token of 256 random bits."""
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """Make a password of 100 random bits that can be typed."""
    text = _base32(secrets.token_bytes(13))[:20]
    return "-".join(text[i : i + 5] for i in range(0, 20, 5))


def digest(secret: str) -> bytes:
    """Return what is kept of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Compare two hashes in a time that does not tell where they differ."""
    return secrets.compare_digest(one, other)


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return _HASHER.hash(_bytes(password))


def check_password(kept: str | None, password: str) -> bool:
    """Tell whether a password is right. Nobody's (`kept` None) takes as long and never is."""
    try:
        _HASHER.verify(kept or _nobody(), _bytes(password))
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def is_outdated(kept: str) -> bool:
    """Tell whether a password was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobody() -> str:
    return hash_password(new_token())


def _bytes(password: str) -> bytes:
    return password[:PASSWORD_CHARS_MAX].encode("utf-8", "surrogatepass")


def _checksum(body: str) -> str:
    return _base32(zlib.crc32(body.encode()).to_bytes(4, "big"))


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=").lower()
