"""Whom we write to: one plain address, or a refusal in words."""

import re
from typing import Final

from django.utils.translation import gettext as _

from escalation.errors import Refused
from mailroom.addresses import LONGEST

LONGEST_LOCAL: Final = 64  # octets, RFC 5321 section 4.5.3.1.1
LONGEST_DOMAIN: Final = 253
LONGEST_TYPED: Final = 320  # the IDNA codec is slow on more

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class NotAnAddress(Refused):
    """No letter can go there: not one plain mail address."""

    code = "not-an-address"
    status = 422


def recipient(text: str) -> str:
    """The address as letters are sent to it: its domain in lower case and in ASCII (IDNA).

    Only what every server takes: a dot-atom of ASCII (RFC 5322, section
    3.4.1) before the @ and a full domain name behind it; no quoted local
    part, no address literal, no display name.  Raises ``NotAnAddress``.
    """
    typed = text.strip(" ")
    shown = {"address": ascii(typed[:80])[1:-1]}
    if len(typed) > LONGEST_TYPED:
        raise NotAnAddress(_("An e-mail address has at most 254 characters."))
    local, at, domain = typed.rpartition("@")
    if not at or not local or not domain:
        raise NotAnAddress(
            _("“%(address)s” is not an e-mail address: it needs the form name@domain.") % shown
        )
    if not _is_local(local):
        raise NotAnAddress(
            _("“%(address)s” is not an e-mail address that we can write to: check what stands "
              "before the @.") % shown
        )  # fmt: skip
    name = domain_name(domain)
    if not name or len(local) + 1 + len(name) > LONGEST:
        raise NotAnAddress(
            _("“%(address)s” is not an e-mail address that we can write to: check what stands "
              "behind the @.") % shown
        )  # fmt: skip
    return f"{local}@{name}"


def _is_local(local: str) -> bool:
    # A leading hyphen would be an option to programs that send mail.
    fits = len(local) <= LONGEST_LOCAL and not local.startswith("-")
    return fits and _LOCAL.fullmatch(local) is not None


def domain_name(domain: str) -> str:
    """The domain as DNS knows it, in lower case and A-labels (IDNA); "" for no full host name."""
    try:
        name = domain.encode("idna").decode().lower()
    except UnicodeError:
        return ""
    labels = name.split(".")
    if len(name) > LONGEST_DOMAIN or len(labels) < 2 or labels[-1].isdigit():
        return ""
    return name if all(_LABEL.fullmatch(label) for label in labels) else ""
