"""What an enhanced status would be where a reply has none (RFC 3463, RFC 5248)."""

import re
from typing import Final

# Subject and detail by what the reply says; the first that fits.
_SAID: Final = tuple(
    (re.compile(words, re.IGNORECASE), ending)
    for words, ending in (
        (r"(?:no such|unknown|invalid) (?:user|recipient|mailbox|address|account)", "1.1"),
        (r"(?:user|recipient|mailbox|account)\b.{0,60}(?:unknown|not found|n.t exist)", "1.1"),
        (r"not (?:listed in|recognized)|no mailbox here|user doesn't have", "1.1"),
        (r"(?:over|exceed\w*).{0,30}quota|quota.{0,30}exceeded|is full", "2.2"),
        (r"mailbox.{0,20}(?:\bfull|exceeds)", "2.2"),
        (r"(?:account|mailbox|user).{0,40}(?:disabled|locked|suspended|inactive)", "2.1"),
        (r"(?:message|size).{0,40}(?:too (?:large|big)|exceeds?)", "3.4"),
        (
            r"(?:host|domain)\b.{0,60}(?:unknown|not found|not exist)|unrout\w+ address|DNS error",
            "1.2",
        ),
        (
            r"any host named|resolve hostname|name service error|no mx|null mx|no smtp service",
            "1.2",
        ),
        (r"malformed address|bad .{0,30}address syntax", "1.3"),
        (r"too many hops|hop count|mail loop|routing loop", "4.6"),
        (r"timed? ?out|connection refused|not reachable|have been failing", "4.1"),
        (r"expired|too long|delayed", "4.7"),
        (r"virus|spam|blocked|block ?list|blacklist|rejected|denied|reputation|policy", "7.1"),
    )
)


def derived(text: str, code: str) -> str:
    """The RFC 3463 code that ``text`` amounts to; class from ``code``, "" if neither tells."""
    for said, ending in _SAID:
        if said.search(text):
            return f"{'4' if code.startswith('4') else '5'}.{ending}"
    return f"{code[0]}.0.0" if code[:1] in ("4", "5") else ""
