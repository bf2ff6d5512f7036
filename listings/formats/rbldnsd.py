"""Zone files of rbldnsd: ip4set, ip4trie and ip6trie (rbldnsd(8)).

``ADDRESS[/length] [:A:TXT | TXT]``; ``!`` takes out; ``:A:TXT`` alone is the
default for the lines after it; ``$`` lines are about the zone or set variables.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from django.db.models import CharField, F, TextField, Value

from escalation import prefixes
from escalation.errors import Refused
from escalation.prefixes import Prefix
from listings.formats.rows import Bad, Row, cleaned
from listings.models import Listing, ListingException, ReasonClass

# The last octet of the A record that an entry answers with, and what it says.
CODES = {
    ReasonClass.AUTOMATIC: 4,
    ReasonClass.TRAP: 3,
    ReasonClass.POLICY: 10,
    ReasonClass.RANGE: 9,
    ReasonClass.MANUAL: 5,
    ReasonClass.TENANT: 6,
}
MEANS = {code: reason_class for reason_class, code in CODES.items()}
TESTS = {"127.0.0.2/32", "127.0.0.1/32"}  # RFC 5782, section 5: entries of every zone
TXT = 255  # octets that one string of a TXT record holds

ENTRY_4 = re.compile(r"([0-9./-]+)\s*(.*)", re.DOTALL)
ENTRY_6 = re.compile(r"(\S+)\s*(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$([1-9=])\s+(.*)", re.DOTALL)


@dataclass(slots=True)
class Zone:
    """What the lines so far have set."""

    code: str = ""
    text: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    def set_default(self, value: str) -> None:
        self.code, self.text = _parts(value)

    def said_of(self, value: str, address: str) -> tuple[str, str]:
        """Reason class ("" if unknown) and text of an entry."""
        code, text = _parts(value) if value else (self.code, self.text)
        if "=" in self.variables and not text.startswith("="):
            text = self.variables["="].replace("$=", text)
        return _meaning(code or self.code), cleaned(self._filled_in(text, address))

    def _filled_in(self, text: str, address: str) -> str:
        def value(sign: re.Match[str]) -> str:
            name = sign[1] or ""
            return "$" if name == "$" else self.variables.get(name, "") if name else address

        return re.sub(r"\$([1-9$])?", value, text)


def _parts(value: str) -> tuple[str, str]:
    """The A and the TXT of ``:A:TXT``, or of a bare text."""
    if not value.startswith(":"):
        return "", value
    code, _colon, text = value[1:].partition(":")
    return code.strip(), text


def _meaning(code: str) -> str:
    last = code.rpartition(".")[2]
    return MEANS.get(int(last), "") if last.isdigit() else ""


def read_ip4(lines: Iterable[str]) -> Iterator[Row | Bad]:
    return _read(lines, ENTRY_4, _prefixes_4)


def read_ip6(lines: Iterable[str]) -> Iterator[Row | Bad]:
    return _read(lines, ENTRY_6, _prefixes_6)


def _read(
    lines: Iterable[str], entry: re.Pattern[str], meant: Callable[[str], list[Prefix]]
) -> Iterator[Row | Bad]:
    zone = Zone()
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        if text[0] == "$":
            if (variable := VARIABLE.fullmatch(text)) is not None:
                zone.variables[variable[1]] = variable[2]
        elif text[0] == ":" and not text.startswith("::"):
            zone.set_default(text)
        else:
            yield from _entry(number, text, zone, entry, meant)


def _entry(
    number: int,
    text: str,
    zone: Zone,
    entry: re.Pattern[str],
    meant: Callable[[str], list[Prefix]],
) -> Iterator[Row | Bad]:
    takes_out = text[0] == "!"
    found = entry.fullmatch(text.lstrip("! "))
    if found is None:
        yield Bad(number, f"“{text[:60]}” does not begin with an address.")
        return
    value = "" if found[2][:1] in ("#", ";") else found[2]
    try:
        blocks = meant(found[1])
    except (Refused, ValueError) as error:
        yield Bad(number, str(error))
        return
    for prefix in blocks:
        if str(prefix) not in TESTS:
            reason_class, evidence = zone.said_of(value, prefixes.shown(prefix))
            yield Row(number, prefix, takes_out, reason_class, evidence=evidence)


def _prefixes_4(text: str) -> list[Prefix]:
    """``192.0.2`` is a /24; ``192.0.2.1-9`` and ``192.0.2-3`` are ranges."""
    if "-" not in text:
        octets, _slash, length = text.partition("/")
        n = octets.count(".") + 1
        return [prefixes.parse_prefix(f"{octets}{'.0' * (4 - n)}/{length or 8 * n}")]
    begin, _dash, end = text.partition("-")
    n, replaced = begin.count(".") + 1, end.count(".") + 1
    kept = begin.split(".")[: max(n - replaced, 0)]
    first = prefixes.parse_address(begin + ".0" * (4 - n))
    last = prefixes.parse_address(".".join([*kept, end]) + ".255" * (4 - n))
    if int(first) > int(last):
        raise ValueError(f"“{text[:60]}” ends before it begins.")
    return list(ipaddress.summarize_address_range(first, last))


def _prefixes_6(text: str) -> list[Prefix]:
    """``2001:db8:1`` is a /48: groups that are left out make the prefix shorter."""
    groups, _slash, length = text.partition("/")
    n = groups.count(":") + 1
    if "::" not in groups and "." not in groups and n < 8:
        groups, length = groups + ":0" * (8 - n), length or str(16 * n)
    return [prefixes.parse_prefix(f"{groups}/{length}" if length else groups)]


def write_ip4() -> Iterator[str]:
    return _lines(4)


def write_ip6() -> Iterator[str]:
    return _lines(6)


def _lines(family: int) -> Iterator[str]:
    """Listings and exceptions of a family; of two equal prefixes the first line counts."""
    columns = ["first", "length", "lists", "prefix", "said", "why"]
    lists = Listing.objects.enforced().filter(family=family)
    takes_out = ListingException.objects.live().filter(family=family)
    nothing = Value("", output_field=CharField())
    no_text = Value("", output_field=TextField())
    said = lists.annotate(lists=Value(1), said=F("reason_class"), why=F("evidence"))
    unsaid = takes_out.annotate(lists=Value(0), said=nothing, why=no_text)
    both = said.values_list(*columns).union(unsaid.values_list(*columns), all=True)
    ordered = both.order_by("first", "length", "-lists")
    for _first, _length, is_listing, prefix, said, why in ordered.iterator(chunk_size=5000):
        yield f"{prefix} :127.0.0.{CODES[said]}:{_txt(why)}" if is_listing else f"!{prefix}"


def _txt(text: str) -> str:
    plain = text.encode("ascii", "replace").decode("ascii")
    return cleaned(plain)[: TXT - plain.count("$")].replace("$", "$$")
