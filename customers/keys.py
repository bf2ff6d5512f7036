"""The text of an API key, ``pk_<prefix>_<secret>``, and what is kept of it."""

import hashlib
import hmac
import secrets

PREFIX_BYTES = 5  # 10 hexadecimal characters: finds the row
SECRET_BYTES = 32  # 256 bits: opens the door


def make() -> tuple[str, str]:
    """A new key: its prefix, and its whole text."""
    prefix = secrets.token_hex(PREFIX_BYTES)
    return prefix, f"pk_{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"


def prefix_of(text: str) -> str:
    """The prefix in the text of a key, "" if it is no key.

    >>> prefix_of("pk_0a1b2c3d4e_secret")
    '0a1b2c3d4e'
    """
    kind, _, rest = text.partition("_")
    prefix, _, secret = rest.partition("_")
    return prefix if kind == "pk" and secret else ""


def digest(text: str) -> str:
    """What is kept: SHA-256, in hexadecimal.  256 random bits need no slow hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def matches(text: str, kept: str) -> bool:
    """Whether ``text`` is the key of which ``kept`` is the digest, in constant time."""
    return hmac.compare_digest(digest(text), kept)
