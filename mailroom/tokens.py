"""The secrets in links: derived when a letter is sent, and stored by nobody."""

import base64
import hashlib

from django.utils.crypto import salted_hmac

SALT = "postern.link"  # constant for ever: links in letters depend on it


def token(key: str) -> str:
    """The secret of the link that ``key`` stands for: 256 bits, safe in a URL.

    Derived from ``SECRET_KEY``, so it is the same every time and cannot be
    guessed from the key.  Rows keep its ``digest``; that it has expired or
    was used is theirs to say.
    """
    octets = salted_hmac(SALT, key, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def digest(token: str) -> str:
    """What a row keeps of a token to find it by: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
