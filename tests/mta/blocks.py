"""The configuration blocks of docs/operate, taken out of the text and used as they stand.

A block is named by the words after its language: ```` ```ini main.cf dnsbl ````.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs/operate"
PAGES = ("rbldnsd", "postfix", "rspamd", "nftables", "receive", "trace")
_BLOCK = re.compile(r"^```\w+ +(?P<name>[^\n]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def named(page: str) -> dict[str, str]:
    """Every named block of ``docs/operate/<page>.md``."""
    found = _BLOCK.finditer((FOLDER / f"{page}.md").read_text())
    return {block["name"].strip(): block["text"] for block in found}


def block(page: str, name: str, **values: str) -> str:
    """One block, with example values replaced by those of the test.

    Each name in ``EXAMPLES`` stands for the value that the page shows.  Raises ``KeyError`` for
    a block that the page lacks, ``AssertionError`` for a value that the block lacks.
    """
    text = named(page)[name]
    for key, value in values.items():
        assert EXAMPLES[key] in text, f"{page}.md, {name}: no {EXAMPLES[key]}"
        text = text.replace(EXAMPLES[key], value)
    return text


def commands(unit: str) -> list[str]:
    """What a systemd unit starts, in order."""
    found = (line.partition("=") for line in unit.splitlines())
    return [command for name, _, command in found if name == "ExecStart"]


def watched(unit: str) -> list[Path]:
    """The files whose change starts a systemd path unit."""
    found = (line.partition("=") for line in unit.splitlines())
    return [Path(path) for name, _, path in found if name == "PathChanged"]


EXAMPLES = {
    "trace_key": "TRACE-KEY",
    "kept": "/var/lib/rspamd",
    "map": "https://NAME:TOKEN@desk.mail.example",
    "url": "https://desk.mail.example",
    "login": "NAME:TOKEN",
    "sets": "/run/postern.nft",
    "place": "/var/lib/postern-table",
    "table": "/var/lib/postern/feeds/postfix/client_access.cidr",
    "feeds": "/var/lib/postern/feeds",
    "reply": "/etc/postfix/postern_reply",
    "proof": "/etc/postfix/postern_proof",
    "program": "/usr/local/sbin/postern-proof",
    "receive": "/usr/local/sbin/postern-receive",
    "user": "user=postern",
    "environ": "/etc/postern.env",
    "home": "/opt/postern",
    "check": "-c 10s",
    "listen": "smtp      inet",
}
