"""Mails as they come to junk@: reports, what they are about, and signatures that hold."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SIGNED = ("from", "subject", "date", "message-id")


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    """A key of its own for each name; made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def record(name: str = "s1") -> str:
    """What the DNS says of the key of that name (RFC 6376, section 3.6.1)."""
    octets = private_key(name).public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )  # fmt: skip
    return f"v=DKIM1; k=rsa; p={base64.b64encode(octets).decode()}"


def relaxed(name: str, value: str) -> str:
    """RFC 6376, section 3.4.2."""
    flat = re.sub(r"[ \t]+", " ", value.replace("\r\n", "")).strip()
    return f"{name.lower().strip()}:{flat}"


def signed(
    message: bytes,
    domain: str = "clinic.example",
    selector: str = "s1",
    covers: tuple[str, ...] = SIGNED,
) -> bytes:
    """``message`` (CRLF) with a DKIM-Signature on top, relaxed/relaxed and rsa-sha256."""
    head, _gap, body = message.partition(b"\r\n\r\n")
    fields = re.findall(r"^([!-9;-~]+):((?:.|\r\n[ \t])*)\r?$", head.decode() + "\r\n", re.M)
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    canonical = b"\r\n".join(lines).rstrip(b"\r\n") + b"\r\n"
    body_hash = base64.b64encode(hashlib.sha256(canonical).digest()).decode()
    tags = (
        f" v=1; a=rsa-sha256; c=relaxed/relaxed; d={domain}; s={selector};\r\n"
        f"\th={':'.join(covers)};\r\n\tbh={body_hash};\r\n\tb="
    )
    values = {name.lower(): value for name, value in fields}
    covered = [relaxed(name, values[name]) for name in covers if name in values]
    data = "\r\n".join([*covered, relaxed("dkim-signature", tags)]).encode()
    octets = private_key(selector).sign(data, padding.PKCS1v15(), hashes.SHA256())
    signature = base64.b64encode(octets).decode()
    return f"DKIM-Signature:{tags}{signature}\r\n".encode() + message


def junk(number: int = 1, domain: str = "clinic.example", extra: str = "") -> bytes:
    """A message that nobody asked for."""
    return (
        f"{extra}From: News <news@{domain}>\r\nTo: <pat@far.example>\r\n"
        f"Subject: Win a prize {number}\r\nDate: Thu, 26 Nov 2026 08:59:59 +0000\r\n"
        f"Message-ID: <junk-{number}@{domain}>\r\n\r\n"
        f"Dear pat, you are winner number {number}.\r\n"
    ).encode()


@dataclass(frozen=True, slots=True)
class Complaint:
    """An ARF report (RFC 5965) by somebody, about a message."""

    about: bytes
    number: int = 1
    reporter: str = "pat@far.example"
    source: str = "192.0.2.10"
    kind: str = "abuse"
    fields: str = ""
    headers_only: bool = False
    extra: str = field(default="")

    def __bytes__(self) -> bytes:
        about = self.about
        if self.headers_only:
            about = about.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        part = b"text/rfc822-headers" if self.headers_only else b"message/rfc822"
        source = f"Source-IP: {self.source}\r\n" if self.source else ""
        return (
            (
                f"{self.extra}From: <{self.reporter}>\r\nTo: <junk@mail.example>\r\n"
                f"Subject: junk\r\nDate: Thu, 26 Nov 2026 09:00:00 +0000\r\n"
                f"Message-ID: <report-{self.number}@far.example>\r\nMIME-Version: 1.0\r\n"
                "Content-Type: multipart/report; report-type=feedback-report; boundary=cut\r\n"
                "\r\n--cut\r\nContent-Type: text/plain\r\n\r\nThis is junk.\r\n"
                "--cut\r\nContent-Type: message/feedback-report\r\n\r\n"
                f"Feedback-Type: {self.kind}\r\nUser-Agent: Test/1\r\nVersion: 1\r\n"
                f"{source}Arrival-Date: Thu, 26 Nov 2026 09:00:00 +0000\r\n{self.fields}"
                "\r\n--cut\r\nContent-Type: "
            ).encode()
            + part
            + b"\r\n\r\n"
            + about
            + b"\r\n--cut--\r\n"
        )
