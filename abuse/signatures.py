"""DKIM signatures (RFC 6376, RFC 8463) of a message, checked against keys that are given.

Two answers are worth having: the signature holds over the whole message (A1), or over its headers
while the body is missing, cut or redacted (A2).  For A2 the body hash is taken from the signature
itself: what is proved is that its owner signed these headers.  Nothing here asks the DNS, and
nothing raises, whatever comes.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

Level = Literal["A1", "A2", ""]
PublicKey = RSAPublicKey | Ed25519PublicKey

MOST_SIGNATURES: Final = 10  # of one message that are looked at
MOST_HEADER: Final = 256 * 1024  # octets of the header block
MOST_FIELDS: Final = 2000
MOST_SIGNED: Final = 200  # names in h=
LONGEST_SIGNATURE: Final = 8192  # octets of a DKIM-Signature field
SMALLEST_RSA: Final = 1024  # bits; RFC 8301, section 3.2
LARGEST_RSA: Final = 8192  # bits; more costs us time and nobody uses it
# Fields that come once (RFC 5322, section 3.6), and that readers take from the top.
ONCE: Final = frozenset({"from", "subject", "date", "message-id"})

_FIELD: Final = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_SPACE: Final = re.compile(rb"[ \t]+")
_FOLD: Final = re.compile(rb"\r\n(?=[ \t])")
_NAME: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9])?")
# The value of b= in the field itself counts as empty (RFC 6376, section 3.5).
_B_VALUE: Final = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*", re.ASCII)

Field = tuple[bytes, bytes]  # name, and the whole field with its name, without the last CRLF


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM-Signature field: its tags (RFC 6376, section 3.5), and the field as it stands."""

    domain: str
    selector: str
    algorithm: str
    header_form: str
    body_form: str
    signed: tuple[str, ...]
    b: str
    body_hash: str
    length: int | None
    identity: str
    field: bytes


def signatures(message: bytes) -> list[Signature]:
    """The readable signatures of ``message``, top first; LF and CRLF are the same."""
    head, _body = _parts(message)
    return _of(_fields(head))


def verify(message: bytes, signature: Signature, key: str) -> Level:
    """How far ``signature`` holds for ``message`` with the key record ``key``, "" if not at all.

    The record is the TXT of RFC 6376, section 3.6.1.  An expiry (x=) is not looked at: a report
    comes later than the message.
    """
    public = public_key(key)
    if public is None or not _is_sound(signature, key):
        return ""
    head, body = _parts(message)
    fields = _fields(head)
    if _was_added_to(fields, signature):
        return ""
    if not _holds(public, signature, _signed_data(fields, signature)):
        return ""
    return "A1" if _covers(body, signature) else "A2"


def has_signed_all(message: bytes, signature: Signature, name: str) -> bool:
    """Whether each field of that name is under the signature, and there is one."""
    head, _body = _parts(message)
    n_fields = sum(field == name.encode() for field, _octets in _fields(head))
    return 0 < n_fields <= signature.signed.count(name)


# -- The message ------------------------------------------------------------------


def _parts(message: bytes) -> tuple[bytes, bytes]:
    """Header block and body with CRLF line ends; the body is empty where there is none."""
    plain = message.replace(b"\r\n", b"\n").replace(b"\r", b"\n").lstrip(b"\n")
    head, _gap, body = plain.partition(b"\n\n")
    return head[:MOST_HEADER].replace(b"\n", b"\r\n"), body.replace(b"\n", b"\r\n")


def _fields(head: bytes) -> list[Field]:
    found: list[tuple[bytes, list[bytes]]] = []
    for line in head.split(b"\r\n"):
        if line[:1] in {b" ", b"\t"} and found:
            found[-1][1].append(line)
        elif match := _FIELD.match(line):
            if len(found) == MOST_FIELDS:
                break
            found.append((match[1].lower(), [line]))
    return [(name, b"\r\n".join(lines)) for name, lines in found]


def _of(fields: list[Field]) -> list[Signature]:
    found = [
        signature
        for name, field in fields
        if name == b"dkim-signature" and len(field) <= LONGEST_SIGNATURE
        if (signature := _read(field)) is not None
    ]
    return found[:MOST_SIGNATURES]


def tags(text: str) -> dict[str, str]:
    """A tag list (RFC 6376, section 3.2); the first of a tag that comes twice."""
    found: dict[str, str] = {}
    for piece in text.split(";")[:60]:
        name, equals, value = piece.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _read(field: bytes) -> Signature | None:
    _name, _colon, value = field.partition(b":")
    found = tags(value.decode("ascii", "replace"))
    domain, selector = found.get("d", "").lower().rstrip("."), found.get("s", "").lower()
    length = found.get("l", "")
    if not (_NAME.fullmatch(domain) and _NAME.fullmatch(selector)):
        return None
    if found.get("v", "1") != "1" or (length and not length.isdigit()):
        return None
    header_form, _slash, body_form = found.get("c", "simple").lower().partition("/")
    return Signature(
        domain=domain,
        selector=selector,
        algorithm=found.get("a", "").lower(),
        header_form=header_form.strip(),
        body_form=body_form.strip() or "simple",
        signed=tuple(name.strip().lower() for name in found.get("h", "").split(":"))[:MOST_SIGNED],
        b=_octets(found.get("b", "")),
        body_hash=_joined(found.get("bh", "")),
        length=int(length[:12]) if length else None,
        identity=found.get("i", "").rpartition("@")[2].lower().rstrip("."),
        field=field,
    )


def _octets(text: str) -> str:
    """Base64 in its one spelling: some bits of the last sign mean nothing, and could be any."""
    try:
        return base64.b64encode(base64.b64decode(_joined(text))).decode()
    except (ValueError, binascii.Error):
        return _joined(text)


def _joined(text: str) -> str:
    return "".join(text.split())


# -- The key ----------------------------------------------------------------------


@lru_cache(maxsize=200)
def public_key(record: str) -> PublicKey | None:
    """The key of a record; None for one that is revoked, weak, or no key at all."""
    found = tags(record)
    kind = found.get("k", "rsa").lower()
    if found.get("v", "DKIM1") != "DKIM1" or kind not in {"rsa", "ed25519"} or not found.get("p"):
        return None
    try:
        octets = base64.b64decode(_joined(found["p"]), validate=True)
        if kind == "ed25519":
            return Ed25519PublicKey.from_public_bytes(octets)
        public = load_der_public_key(octets)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        return None
    if not isinstance(public, RSAPublicKey):
        return None
    return public if SMALLEST_RSA <= public.key_size <= LARGEST_RSA else None


def _is_sound(signature: Signature, record: str) -> bool:
    """What must be so whatever the mathematics says (RFC 6376, sections 5.4 and 6.1.1)."""
    if "from" not in signature.signed or not signature.b or not signature.body_hash:
        return False
    if {signature.header_form, signature.body_form} - {"simple", "relaxed"}:
        return False
    identity, domain = signature.identity or signature.domain, signature.domain
    said = tags(record)
    if identity != domain and ("s" in _words(said, "t") or not identity.endswith(f".{domain}")):
        return False
    if not {"*", "email"} & _words(said, "s", "*"):
        return False
    return "sha256" in _words(said, "h", "sha256")


def _words(found: dict[str, str], name: str, default: str = "") -> set[str]:
    """The words of a tag whose value is a list."""
    return {word.strip() for word in found.get(name, default).lower().split(":")}


def _holds(public: PublicKey, signature: Signature, data: bytes) -> bool:
    try:
        octets = base64.b64decode(signature.b, validate=True)
        if isinstance(public, RSAPublicKey):
            if signature.algorithm != "rsa-sha256":
                return False
            public.verify(octets, data, padding.PKCS1v15(), hashes.SHA256())
        else:
            if signature.algorithm != "ed25519-sha256":
                return False
            public.verify(octets, hashlib.sha256(data).digest())
    except (InvalidSignature, ValueError, binascii.Error):
        return False
    return True


def _was_added_to(fields: list[Field], signature: Signature) -> bool:
    """Whether a signed field that comes once has another above it, which nobody signed
    (RFC 6376, section 8.15): readers would show that one."""
    names = [name.decode("ascii", "replace") for name, _field in fields]
    return any(
        names.count(name) > signature.signed.count(name)
        for name in ONCE.intersection(signature.signed)
    )


# -- What was signed ----------------------------------------------------------------


def _signed_data(fields: list[Field], signature: Signature) -> bytes:
    """The headers as they were hashed (RFC 6376, section 3.7): repeated ones from the bottom."""
    left: dict[bytes, list[bytes]] = {}
    for name, field in fields:
        left.setdefault(name, []).append(field)
    pieces = []
    for signed in signature.signed:
        rest = left.get(signed.encode("ascii", "replace"))
        if rest:
            pieces.append(_header(rest.pop(), signature.header_form) + b"\r\n")
    name, colon, value = signature.field.partition(b":")
    own = name + colon + _B_VALUE.sub(rb"\1", value)
    return b"".join(pieces) + _header(own, signature.header_form)


def _header(field: bytes, form: str) -> bytes:
    """A field in its canonical form (RFC 6376, sections 3.4.1 and 3.4.2)."""
    if form == "simple":
        return field
    name, _colon, value = field.partition(b":")
    return name.strip().lower() + b":" + _SPACE.sub(b" ", _FOLD.sub(b"", value)).strip(b" \t\r\n")


def _covers(body: bytes, signature: Signature) -> bool:
    """Whether the body is the one that was signed, all of it."""
    canonical = _body(body, signature.body_form)
    if signature.length is not None and signature.length < len(canonical):
        return False
    digest = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    return digest == signature.body_hash


def _body(body: bytes, form: str) -> bytes:
    """The body in its canonical form (RFC 6376, sections 3.4.3 and 3.4.4)."""
    if form == "relaxed":
        lines = body.split(b"\r\n")
        body = b"\r\n".join(_SPACE.sub(b" ", line).rstrip(b" ") for line in lines)
    text = body.rstrip(b"\r\n")  # line ends are whole: every CR stands before its LF
    if not text:
        return b"\r\n" if form == "simple" else b""
    return text + b"\r\n"
