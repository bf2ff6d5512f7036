"""The key of our mark on outbound mail, which the mail server needs as well."""

from django.utils.crypto import salted_hmac

SALT = "postern.trace"  # constant for ever: mail that is under way was marked with it


def trace_key() -> str:
    """The key, in hex: derived from ``SECRET_KEY``, and of no use for anything else."""
    return salted_hmac(SALT, "key", algorithm="sha256").hexdigest()
