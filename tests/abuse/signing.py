"""A signer for tests, made from RFC 6376 and nothing of ours: any canonical form, any tags."""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@cache
def rsa_key(bits: int = 1024) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=bits)


def record(key: RSAPrivateKey | Ed25519PrivateKey, **tags: str) -> str:
    """What the DNS says of a key (RFC 6376, section 3.6.1; RFC 8463, section 4)."""
    if isinstance(key, RSAPrivateKey):
        kind, octets = "rsa", key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )  # fmt: skip
    else:
        kind, octets = "ed25519", key.public_key().public_bytes_raw()
    known = {"v": "DKIM1", "k": kind, "p": base64.b64encode(octets).decode(), **tags}
    return "; ".join(f"{name}={value}" for name, value in known.items())


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs as its fields say, whether that is allowed or not."""

    key: RSAPrivateKey | Ed25519PrivateKey
    c: str = "relaxed/relaxed"
    h: str = "from:to:subject:date:message-id"
    d: str = "clinic.example"
    algorithm: str = ""
    extra: str = ""  # more tags, each with its semicolon
    bh: str = ""

    def __call__(self, message: bytes) -> bytes:
        """``message`` (CRLF) with a signature on top."""
        head, _gap, body = message.partition(b"\r\n\r\n")
        header_form, _slash, body_form = self.c.partition("/")
        name = "ed25519" if isinstance(self.key, Ed25519PrivateKey) else "rsa"
        bh = self.bh or _digest(canonical_body(body, body_form or "simple"))
        own = (
            f"DKIM-Signature: v=1; a={self.algorithm or f'{name}-sha256'}; c={self.c};\r\n"
            f"\td={self.d}; s=s1; {self.extra}h={self.h};\r\n\tbh={bh};\r\n\tb="
        ).encode()
        data = _covered(head, self.h, header_form) + canonical_header(own, header_form)
        signature = base64.b64encode(self._signed(data)).decode()
        return own + "\r\n\t".join(re.findall(".{1,70}", signature)).encode() + b"\r\n" + message

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(hashlib.sha256(data).digest())
        digest = hashes.SHA1() if self.algorithm == "rsa-sha1" else hashes.SHA256()  # noqa: S303
        return self.key.sign(data, padding.PKCS1v15(), digest)


def canonical_header(field: bytes, form: str) -> bytes:
    """RFC 6376, sections 3.4.1 and 3.4.2."""
    if form == "simple":
        return field
    name, value = field.split(b":", 1)
    flat = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b""))
    return name.rstrip(b" \t").lower() + b":" + flat.strip(b" ")


def canonical_body(body: bytes, form: str) -> bytes:
    """RFC 6376, sections 3.4.3 and 3.4.4."""
    if form == "relaxed":
        body = re.sub(rb"[ \t]+(?=\r\n|\Z)", b"", body)
        body = re.sub(rb"[ \t]+", b" ", body)
    while body.endswith(b"\r\n"):
        body = body[:-2]
    if body:
        return body + b"\r\n"
    return b"\r\n" if form == "simple" else b""


def body_hash(body: bytes, form: str = "relaxed") -> str:
    return _digest(canonical_body(body, form))


def _digest(octets: bytes) -> str:
    return base64.b64encode(hashlib.sha256(octets).digest()).decode()


def _covered(head: bytes, names: str, form: str) -> bytes:
    """The named fields, those of one name from the bottom (section 5.4.2)."""
    left = re.findall(rb"[^\r\n]+(?:\r\n[ \t][^\r\n]*)*", head)
    pieces = b""
    for name in names.lower().split(":"):
        mine = [field for field in left if field.split(b":")[0].strip().lower() == name.encode()]
        if mine:
            left.reverse()
            left.remove(mine[-1])
            left.reverse()
            pieces += canonical_header(mine[-1], form) + b"\r\n"
    return pieces
