"""What an enhanced status would be where a reply has none (RFC 3463, RFC 5248)."""

from typing import Final

from mailroom.block_words import either

MAX_TEXT: Final = 500  # characters; what a reply is about, it says at once

# What the reply says, and the subject and detail that it amounts to; the first that fits.
_SAID: Final = tuple(
    (either(words), ending)
    for words, ending in (
        (
            r"""
            no such (?:user|recipient|mailbox|address|account)
            unknown (?:user|recipient|mailbox|address|account)
            invalid (?:user|recipient|mailbox|address|account)
            user\b.{0,60}(?:unknown|not found|n.t exist|not listed)
            recipient\b.{0,60}(?:unknown|not found|n.t exist|not recognized)
            mailbox\b.{0,60}(?:unknown|not found|n.t exist)
            account\b.{0,60}(?:unknown|not found|n.t exist)
            no mailbox here
            user doesn't have
            """,
            "1.1",
        ),
        (
            r"""
            over.{0,30}quota
            exceed\w{0,4}.{0,30}quota
            quota.{0,30}exceeded
            is full
            mailbox.{0,20}(?:\bfull|exceeds)
            """,
            "2.2",
        ),
        (
            r"""
            account.{0,40}(?:disabled|locked|suspended|inactive)
            mailbox.{0,40}(?:disabled|locked|suspended|inactive)
            user.{0,40}(?:disabled|locked|suspended|inactive)
            """,
            "2.1",
        ),
        (
            r"""
            message.{0,40}(?:too (?:large|big)|exceeds)
            size.{0,40}(?:too (?:large|big)|exceeds)
            """,
            "3.4",
        ),
        (
            r"""
            host\b.{0,60}(?:unknown|not found|not exist)
            domain\b.{0,60}(?:unknown|not found|not exist)
            unrout\w{1,6} address
            dns error
            any host named
            resolve hostname
            name service error
            no mx\b
            null mx\b
            no smtp service
            """,
            "1.2",
        ),
        (
            r"""
            malformed address
            bad .{0,30}address syntax
            """,
            "1.3",
        ),
        (
            r"""
            too many hops
            hop count
            mail loop
            routing loop
            """,
            "4.6",
        ),
        (
            r"""
            timed? ?out
            connection refused
            not reachable
            have been failing
            """,
            "4.1",
        ),
        (
            r"""
            expired
            too long
            delayed
            """,
            "4.7",
        ),
        (
            r"""
            virus
            spam
            block
            black ?list
            rejected
            denied
            reputation
            policy
            """,
            "7.1",
        ),
    )
)


def derived(text: str, code: str) -> str:
    """The RFC 3463 code that ``text`` amounts to; class from ``code``, "" if neither tells."""
    low = text[:MAX_TEXT].lower()
    for said, ending in _SAID:
        if said.search(low):
            return f"{'4' if code.startswith('4') else '5'}.{ending}"
    return f"{code[0]}.0.0" if code[:1] in ("4", "5") else ""
