"""Lines as mail servers write them."""

URL = "http://127.0.0.1:8000"


def refused(
    address: str = "198.51.100.25",
    *,
    sender: str = "accounts@bank.example",
    recipient: str = "dana@clinic.example",
    stamp: str = "2026-11-25T09:00:00.123456+00:00",
    listing: int | str = "",
) -> str:
    """Postfix refuses a recipient in the words of our access table."""
    number = f" (L{listing})" if listing else ""
    return (
        f"{stamp} mx1 postfix/smtpd[123]: NOQUEUE: reject: RCPT from unknown[{address}]: "
        f"550 5.7.606 <unknown[{address}]>: Client host rejected: Mail from {address} is refused: "
        f"see {URL}/delist/?address={address}{number}; from=<{sender}> to=<{recipient}> "
        "proto=ESMTP helo=<mail.bank.example>\n"
    )


def by_dns(address: str, recipient: str = "dana@clinic.example") -> str:
    """The same by a DNSBL, whose TXT Postfix repeats."""
    return (
        f"Nov 25 09:00:00 mx1 postfix/smtpd[9]: NOQUEUE: reject: RCPT from a.example[{address}]: "
        f"554 5.7.1 Service unavailable; Client host [{address}] blocked using bl.mail.example; "
        f"Mail from {address} is refused (range): see {URL}/delist/?address={address}; "
        f"from=<> to=<{recipient}> proto=SMTP helo=<x>\n"
    )


def by_milter(address: str, recipient: str = "dana@clinic.example") -> str:
    """rspamd refuses at the end of the message, by the words of docs/operate/rspamd.md."""
    return (
        f"2026-11-25T09:00:00+00:00 mx1 postfix/cleanup[7]: 4F1A2B3C4D: milter-reject: "
        f"END-OF-MESSAGE from unknown[{address}]: 5.7.606 Mail from {address} is refused: "
        f"see {URL}/delist/?address={address}; from=<a@b.example> to=<{recipient}> "
        "proto=ESMTP helo=<x>\n"
    )


def for_another_reason(sender: str, helo: str) -> str:
    """A refusal in which we have no part, of a client that chooses its words."""
    return (
        "2026-11-25T09:00:00+00:00 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from "
        "unknown[198.51.100.25]: 450 4.7.1 Client host rejected: cannot find your hostname; "
        f"from=<{sender}> to=<dana@clinic.example> proto=ESMTP helo=<{helo}>\n"
    )


def accepted(
    address: str = "192.0.2.7", queue: str = "4F1A2B3C4D", recipient: str = "dana@clinic.example"
) -> str:
    """A mail comes in and is delivered."""
    stamp = "2026-11-25T09:00:01+00:00 mx1"
    return (
        f"{stamp} postfix/smtpd[7]: {queue}: client=mail.ok.example[{address}]\n"
        f"{stamp} postfix/qmgr[5]: {queue}: from=<a@ok.example>, size=4, nrcpt=1 (queue active)\n"
        f"{stamp} postfix/lmtp[6]: {queue}: to=<{recipient}>, relay=store[127.0.0.1]:24, "
        "delay=0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)\n"
        f"{stamp} postfix/qmgr[5]: {queue}: removed\n"
    )
