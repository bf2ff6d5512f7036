"""The receiving Postfixes of docs/operate/postfix.md, one for each way to refuse."""

import shlex
from pathlib import Path

from tests.mta import blocks
from tests.mta.files import URL
from tests.mta.postfix import SMTP, Postfix


def by_dns(room: Path, address: str = "203.0.113.10") -> Postfix:
    """A receiving Postfix that asks the zone, as the page has it."""
    reply = room / "postern_reply"
    reply.write_text(blocks.block("postfix", "postern_reply", url=URL))
    return Postfix(
        "dns", room, listen=address, port=SMTP, domain="clinic.example",
        main=blocks.block("postfix", "main.cf dnsbl", reply=str(reply)),
        master=blocks.block("postfix", "master.cf dnsbl", listen=f"{address}:{SMTP} inet"),
    )  # fmt: skip


def by_table(room: Path, feeds: Path, address: str = "203.0.113.11") -> Postfix:
    """A receiving Postfix with the ``cidr:`` table, as the page has it."""
    return Postfix(
        "table", room, listen=address, port=SMTP, domain="clinic.example",
        main=blocks.block("postfix", "main.cf table", feeds=str(feeds)),
    )  # fmt: skip


def by_postscreen(room: Path, feeds: Path, address: str = "203.0.113.12") -> Postfix:
    """A receiving Postfix behind postscreen; it waits less for a client to talk too soon."""
    main = blocks.block("postfix", "main.cf postscreen", feeds=str(feeds))
    return Postfix(
        "postscreen", room, listen=address, port=SMTP, domain="clinic.example",
        main=f"{main}postscreen_greet_wait = 1s\n",
        master=blocks.block("postfix", "master.cf postscreen", listen=f"{address}:{SMTP} inet"),
    )  # fmt: skip


def reload(postfix: Postfix, feeds: Path) -> None:
    """What the systemd units of the page do when a table has changed."""
    for command in blocks.commands(blocks.block("postfix", "service", feeds=str(feeds))):
        postfix.run(*shlex.split(command))
