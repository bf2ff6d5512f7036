import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from escalation.errors import Refused, TryAgainLater
from escalation.prefixes import parse_prefix
from ownership import configured, lookups, ranking, registry, walk
from ownership.facts import ContactFacts, Flag, Kind, NetworkFacts, Unreadable
from ownership.rdap import NotFound


class Command(BaseCommand):
    help = (
        "Says whose address or prefix it is, and whom the desk would ask, in which order and why. "
        "Asks the registry, or with --rdap reads recorded answers. Writes to nobody."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "subjects", nargs="+", metavar="ADDRESS_OR_FILE", help="Addresses, prefixes, or files."
        )
        parser.add_argument(
            "--rdap", action="store_true", help="The arguments are files with registry answers."
        )
        parser.add_argument("--json", action="store_true", help="One JSON object per argument.")

    def handle(self, *, subjects: list[str], rdap: bool, json: bool, **options: Any) -> None:
        n_failed = 0
        for subject in subjects:
            facts, error = _recorded(Path(subject)) if rdap else _live(subject)
            n_failed += bool(error)
            self.stdout.write(
                _line(subject, facts, error) if json else _shown(subject, facts, error)
            )
        if n_failed and not rdap:  # a recorded answer may be a refusal; that is no fault
            raise CommandError(f"No answer for {n_failed} of {len(subjects)}.")


def _recorded(path: Path) -> tuple[NetworkFacts, str]:
    """What a file says; a body that is no RDAP answer counts as an error of the registry."""
    try:
        return registry.read(registry.parse(path.read_bytes())), ""
    except OSError as error:
        raise CommandError(f"Cannot read {path}: {error.strerror}.") from None
    except Unreadable as error:
        return _no_answer(), str(error)


def _live(subject: str) -> tuple[NetworkFacts, str]:
    asker = lookups.Asker()
    try:
        prefix = parse_prefix(subject)
        bases = configured.base_urls(prefix, asker.tables)
        found = walk.network(prefix, bases, asker.rules)
    except (Refused, TryAgainLater, NotFound) as error:
        return _no_answer(), str(error)
    return found.facts, ""


def _no_answer() -> NetworkFacts:
    return NetworkFacts(Kind.ERROR, flags=frozenset({Flag.ERROR, Flag.NO_CONTACT}))


def _line(subject: str, facts: NetworkFacts, error: str) -> str:
    chosen = facts.chosen
    answer = {
        "file": subject,
        "start": str(facts.first) if facts.first else None,
        "end": str(facts.last) if facts.last else None,
        "handle": facts.handle or None,
        "organisation": facts.organisation or None,
        "contacts": [_contact(one) for one in facts.contacts],
        "chosen": chosen.email if chosen else None,
        "flags": sorted(facts.flags),
    }
    return json.dumps(answer | ({"error": error} if error else {}), ensure_ascii=False)


def _contact(contact: ContactFacts) -> dict[str, Any]:
    return {
        "email": contact.email,
        "roles": list(contact.roles),
        "score": contact.score,
        "flags": sorted(contact.flags),
    }


def _shown(subject: str, facts: NetworkFacts, error: str) -> str:
    if error:
        return f"{subject}\n  no answer: {error}\n"
    chosen = facts.chosen
    range_ = f"{facts.first} – {facts.last}" if facts.first else "no range"
    about = ", ".join(part for part in (facts.name, facts.type, facts.country) if part)
    lines = [
        subject,
        f"  range     {range_}",
        f"  handle    {facts.handle or '-'}  {about}".rstrip(),
        f"  held by   {facts.organisation or '-'}",
        *(_ranked(one, one is chosen) for one in facts.contacts),
        f"  chosen    {chosen.email if chosen else 'nobody'}",
    ]
    if facts.flags:
        lines.append(f"  flags     {', '.join(sorted(facts.flags))}")
    return "\n".join(lines) + "\n"


def _ranked(contact: ContactFacts, is_chosen: bool) -> str:
    mark = "→" if is_chosen else " "
    return f"  {mark} {contact.score:>4}    {contact.email}  {ranking.why(contact)}"
