"""Translations: read a .po file, say what is wrong with it, write the .mo file.

Machines that run Postern need not have gettext, and the same text always
gives the same bytes, so that the compiled file can be kept and compared.
"""

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = 0x950412DE  # GNU gettext manual, "The Format of GNU MO Files"
HEADER_WORDS = 7
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf]|\{\w*\}")


@dataclass
class Message:
    """One entry of a catalogue; the header is the one with an empty ``msgid``."""

    line: int = 0
    flags: set[str] = field(default_factory=set)
    msgctxt: str | None = None
    msgid: str = ""
    msgid_plural: str | None = None
    msgstr: dict[int, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        context = "" if self.msgctxt is None else f"{self.msgctxt}\x04"
        plural = "" if self.msgid_plural is None else f"\0{self.msgid_plural}"
        return f"{context}{self.msgid}{plural}"

    @property
    def text(self) -> str:
        text = "\0".join(self.msgstr[n] for n in sorted(self.msgstr))
        # As msgfmt does: when the texts were last gathered is no part of the result.
        return text if self.msgid else re.sub(r"POT-Creation-Date:.*\n", "", text)


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.current = Message()
        self.into = ""

    def read(self, number: int, line: str) -> None:
        if line.startswith("#,"):
            self._begin_unless("flags")
            self.current.flags |= {flag.strip() for flag in line[2:].split(",")}
        elif line.startswith('"'):
            self._add(ast.literal_eval(line))
        elif line and not line.startswith("#"):
            word, text = line.split(maxsplit=1)
            if word == "msgctxt" or (word == "msgid" and self.into != "msgctxt"):
                self._begin_unless("flags")
                self.current.line = number
            self.into = word
            self._add(ast.literal_eval(text))

    def _begin_unless(self, into: str) -> None:
        """Begin a message, unless the one begun has only ``into`` so far."""
        if self.into != into:
            self.end()
        self.into = into

    def _add(self, text: str) -> None:
        if self.into.startswith("msgstr"):
            n = int(self.into[7:-1] or 0) if "[" in self.into else 0
            self.current.msgstr[n] = self.current.msgstr.get(n, "") + text
        else:
            setattr(self.current, self.into, (getattr(self.current, self.into) or "") + text)

    def end(self) -> None:
        if self.current.line:
            self.messages.append(self.current)
            self.current = Message()
        self.into = ""


def read(text: str) -> list[Message]:
    """The messages of a .po file, header first; obsolete entries are left out.

    Raises ``ValueError`` or ``SyntaxError`` for a line that is not a .po line.
    """
    reader = _Reader()
    for number, line in enumerate(text.splitlines(), start=1):
        reader.read(number, line.strip())
    reader.end()
    return reader.messages


def problems(messages: list[Message]) -> Iterator[str]:
    """What keeps a catalogue from being complete, with the line of each."""
    seen: set[str] = set()
    for message in messages:
        where = f"line {message.line} {message.msgid[:60]!r}"
        if message.key in seen:
            yield f"{where}: twice"
        seen.add(message.key)
        if not message.msgid:
            continue
        if "fuzzy" in message.flags:
            yield f"{where}: fuzzy"
        if not message.msgstr or not all(message.msgstr.values()):
            yield f"{where}: not translated"
        for text in filter(None, message.msgstr.values()):
            wanted = {*PLACEHOLDER.findall(message.msgid)}
            allowed = wanted | {*PLACEHOLDER.findall(message.msgid_plural or "")}
            given = {*PLACEHOLDER.findall(text)}
            if not given <= allowed or (message.msgid_plural is None and given != wanted):
                yield f"{where}: placeholders differ"


def compiled(messages: list[Message]) -> bytes:
    """The .mo file of a catalogue, without fuzzy and untranslated messages."""
    pairs = sorted(
        (message.key.encode(), message.text.encode())
        for message in messages
        if "fuzzy" not in message.flags and message.msgstr and all(message.msgstr.values())
    )
    n, tables, strings = len(pairs), [], b""
    start = HEADER_WORDS * 4 + 2 * n * 8
    for column in (0, 1):
        for pair in pairs:
            tables += [len(pair[column]), start + len(strings)]
            strings += pair[column] + b"\0"
    after_keys = HEADER_WORDS * 4 + n * 8
    header = [MAGIC, 0, n, HEADER_WORDS * 4, after_keys, 0, start]
    return struct.pack(f"<{HEADER_WORDS + 4 * n}I", *header, *tables) + strings


def catalogues(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/LC_MESSAGES/*.po"))
