import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from escalation import prefixes
from escalation.actors import DESK
from escalation.errors import Refused
from escalation.prefixes import Prefix
from listings import blast, imports, queries
from listings.formats import FORMATS
from listings.formats.rows import Bad
from listings.models import ReasonClass

SHOWN = 50  # bad lines that are told one by one


class Command(BaseCommand):
    help = "Bulk work on the list: import a file, export the list, check addresses."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_subparsers(dest="what", required=True, parser_class=ArgumentParser)
        check = what.add_parser("check", help="Say whether addresses are listed; exit 1 if one is.")
        check.add_argument("addresses", nargs="+", metavar="ADDRESS")
        export = what.add_parser("export", help="Write the list.")
        export.add_argument("--format", choices=FORMATS, default="plain")
        export.add_argument(
            "--output", default="-", metavar="FILE", help="Default: standard output."
        )
        self._add_import(what.add_parser("import", help="List what a file names; all or nothing."))

    def _add_import(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="- is standard input.")
        parser.add_argument("--format", choices=FORMATS, default="plain")
        parser.add_argument(
            "--class",
            dest="reason_class",
            choices=ReasonClass.values,
            default=ReasonClass.AUTOMATIC.value,
            help="Reason class of lines that name none.",
        )
        parser.add_argument("--source", default="", help="Where it comes from; default: the file.")
        parser.add_argument("--expires-days", type=int, metavar="N", help="Expire after N days.")
        parser.add_argument("--skip-bad", action="store_true", help="Import the good lines anyway.")
        parser.add_argument(
            "--remove-missing",
            action="store_true",
            help="Remove the listings of the same source that the file lacks.",
        )
        parser.add_argument(
            "--allow-shrink", action="store_true", help="Even if that is much of the source."
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="Only say what the file would do."
        )
        parser.add_argument(
            "--again", action="store_true", help="List even what was let in during the watch."
        )

    def handle(self, *, what: str, **options: Any) -> None:
        commands: dict[str, Callable[..., None]] = {
            "check": self.check_them,
            "export": self.export,
            "import": self.bring_in,
        }
        commands[what](**options)

    def check_them(self, *, addresses: list[str], **options: Any) -> None:
        wanted = [_parsed(text) for text in addresses]
        listed = [self._tell(prefix) for prefix in wanted]
        if any(listed):
            sys.exit(1)

    def _tell(self, prefix: Prefix) -> bool:
        shown, listing = prefixes.shown(prefix), queries.covering_listing(prefix)
        out = queries.exception_over(prefix)
        if listing is not None:
            how = "listed" if listing.length <= prefix.prefixlen else "listed in part"
            reason = f"{listing.reason_class}: {listing.evidence or 'no evidence noted'}"
            source = f", from {listing.source}" if listing.source else ""
            self.stdout.write(
                f"{shown}  {how} by {listing} since {listing.listed_at:%Y-%m-%d %H:%M}{source} "
                f"({reason})"
            )
        elif out is not None:
            self.stdout.write(
                f"{shown}  not listed: {out} was taken out of {out.listing} on "
                f"{out.made_at:%Y-%m-%d} ({out.reason or 'no reason noted'})"
            )
        else:
            self.stdout.write(f"{shown}  not listed")
        if reason := queries.why_protected(prefix):
            self.stdout.write(f"  and cannot be: {reason}")
        return listing is not None

    def export(self, *, format: str, output: str, **options: Any) -> None:  # noqa: A002 -- the option's name
        lines = FORMATS[format].write()
        if output == "-":
            for line in lines:
                self.stdout.write(line)
            return
        with Path(output).open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)

    def bring_in(self, *, file: str, format: str, **options: Any) -> None:  # noqa: A002 -- the option's name
        with _opened(file) as lines:
            rows, bad = imports.check(FORMATS[format].read(lines))
        self._tell_bad(bad)
        self._tell_blast([row.prefix for row in rows if not row.takes_out])
        if options["dry_run"]:
            self.stdout.write(f"{len(rows)} good lines, {len(bad)} bad. Nothing was imported.")
            return
        if bad and not options["skip_bad"]:
            raise CommandError(
                f"Nothing was imported: {len(bad)} bad lines. Mend them, or say --skip-bad."
            )
        days = options["expires_days"]
        wishes = imports.Wishes(
            actor=DESK,
            source=(options["source"] or Path(file).name)[:100],
            reason_class=options["reason_class"],
            expires_at=timezone.now() + timedelta(days=days) if days is not None else None,
            remove_missing=options["remove_missing"],
            allow_shrink=options["allow_shrink"],
            again=options["again"],
        )
        try:
            with _bar(len(rows)) as progress:
                outcome = imports.bring_in(rows, wishes, progress)
        except Refused as refusal:
            raise CommandError(refusal.message) from refusal
        self.stdout.write(_summary(outcome, len(bad)))

    def _tell_blast(self, listed: list[Prefix]) -> None:
        """Whose mail of the last days it would have refused, before anything is listed."""
        radius = blast.of_all(listed)
        if not radius.messages:
            return
        whose = [f"{hit.tenant}: {hit.messages}" for hit in radius.hits]
        whose += [f"{radius.n_more} more tenants"] if radius.n_more else []
        whose += [f"domains of no tenant: {radius.others}"] if radius.others else []
        self.stderr.write(
            f"Of the mail taken within {radius.days} days, {radius.messages} messages came from "
            f"addresses of this file ({'; '.join(whose)})."
        )

    def _tell_bad(self, bad: list[Bad]) -> None:
        for line in bad[:SHOWN]:
            told = "".join(c if c.isprintable() else "?" for c in line.reason)
            self.stderr.write(f"line {line.number}: {told}")
        if len(bad) > SHOWN:
            self.stderr.write(f"… and {len(bad) - SHOWN} more.")


def _parsed(text: str) -> Prefix:
    try:
        return prefixes.parse_prefix(text)
    except Refused as refusal:
        raise CommandError(refusal.message) from refusal


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    if file == "-":
        yield TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "replace")
        return
    try:
        with Path(file).open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            yield lines
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}.") from error


@contextmanager
def _bar(total: int) -> Iterator[Callable[[int], None]]:
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Listing", total=total)
        yield lambda n: bar.advance(task, n)


def _summary(outcome: imports.Outcome, n_bad: int) -> str:
    counts = {
        "added": outcome.added,
        "unchanged": outcome.unchanged,
        "prolonged": outcome.prolonged,
        "listed again": outcome.relisted,
        "taken out of wider ones": outcome.excepted,
        "removed": outcome.removed,
        "let in lately and left alone (--again lists them)": outcome.let_in_lately,
        "bad lines skipped": n_bad,
    }
    words = ", ".join(f"{n} {what}" for what, n in counts.items() if n)
    serial = f" Serial {outcome.serial} has it." if outcome.serial else ""
    return f"{words or 'Nothing to do'}.{serial}"
