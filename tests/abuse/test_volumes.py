"""How much each tenant sent, as a file says it: good lines are kept, bad ones are told in words."""

import io
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from abuse import volumes
from abuse.models import SentVolume
from abuse.volumes import BadLine, bring_in
from customers.models import Tenant
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
TODAY = timezone.now().date()


def kept() -> dict[tuple[str, date], int]:
    rows = SentVolume.objects.select_related("tenant")
    return {(row.tenant.name, row.day): row.messages for row in rows}


def test_a_line_is_a_tenant_or_a_domain_a_day_and_a_number(clinic: Tenant, school: Tenant) -> None:
    make_tenant("Smith, Jones & Co")
    told = bring_in(
        [
            "\ufefftenant,day,messages\n", "# our own count\n", "\n",
            f"clinic.example,{TODAY},1000\r\n", f" School , {TODAY} , 0 \n",
            f'"Smith, Jones & Co",{TODAY - timedelta(days=1)},7\n',
        ]
    )  # fmt: skip
    assert (told.kept, told.bad) == (3, [])
    assert kept() == {
        ("Clinic", TODAY): 1000,
        ("School", TODAY): 0,
        ("Smith, Jones & Co", TODAY - timedelta(days=1)): 7,
    }


def test_a_day_that_is_told_again_is_replaced(clinic: Tenant) -> None:
    for messages in (5, 7, 7):
        bring_in([f"Clinic,{TODAY},{messages}"])
    assert kept() == {("Clinic", TODAY): 7}
    told = bring_in([f"Clinic,{TODAY},8", f"clinic.example,{TODAY},9"])
    assert (told.kept, kept()) == (1, {("Clinic", TODAY): 9})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Clinic,2026", "three fields"),
        ('"Clinic', "three fields"),
        (f"Clinic,{TODAY},5{' ' * 1000}x", "three fields"),
        (f"nobody.example,{TODAY},1", "No tenant has this domain or name: nobody.example."),
        ("Clinic,26.11.2026,1", "write it as 2026-01-31"),
        ("Clinic,2026-02-30,1", "write it as 2026-01-31"),
        (f"Clinic,{TODAY + timedelta(days=2)},1", "in the future"),
        (f"Clinic,{TODAY - timedelta(days=401)},1", "more than 400 days"),
        (f"Clinic,{TODAY},1.5", "whole number"),
        (f"Clinic,{TODAY},-1", "whole number"),
        (f"Clinic,{TODAY},", "whole number"),
        (f"Clinic,{TODAY},²", "whole number"),
        (f"Clinic,{TODAY},{10**12 + 1}", "whole number"),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_stops_no_other(
    clinic: Tenant, line: str, words: str
) -> None:
    told = bring_in([f"Clinic,{TODAY},5", line])
    [(number, why)] = told.bad
    assert number == 2
    assert words in why
    assert kept() == {("Clinic", TODAY): 5}


def test_a_file_that_is_too_long_keeps_nothing(
    clinic: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volumes, "MOST_LINES", 1)
    with pytest.raises(BadLine, match="split it"):
        bring_in([f"Clinic,{TODAY},5"] * 2)
    assert not kept()


def test_a_tenant_is_looked_up_once_however_many_lines_name_it(
    clinic: Tenant, django_assert_max_num_queries: object
) -> None:
    lines = [f"Clinic,{TODAY - timedelta(days=n)},5" for n in range(300)]
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        assert bring_in(lines).kept == 300


class TestAnything(TestCase):
    @settings(max_examples=60)
    @given(st.lists(st.text(max_size=40), max_size=5))
    def test_no_text_breaks_it(self, lines: list[str]) -> None:
        told = bring_in(lines)
        assert told.kept == 0


def test_the_command_tells_what_it_kept_and_fails_for_what_it_did_not(
    clinic: Tenant, tmp_path: Path
) -> None:
    file, out, err = tmp_path / "sent.csv", io.StringIO(), io.StringIO()
    file.write_text(f"Clinic,{TODAY},5\n")
    call_command("volumes", str(file), stdout=out, stderr=err)
    assert (out.getvalue(), err.getvalue()) == ("1 days kept, 0 lines not.\n", "")

    file.write_text(f"Clinic,{TODAY},6\nClinic,{TODAY},many\n")
    with pytest.raises(SystemExit):
        call_command("volumes", str(file), stdout=out, stderr=err)
    assert "line 2: The number of messages is a whole number" in err.getvalue()
    assert kept() == {("Clinic", TODAY): 6}


@pytest.mark.parametrize("raw", [None, b"\xff\xfe,,"])
def test_a_file_that_cannot_be_read_is_said_in_words(tmp_path: Path, raw: bytes | None) -> None:
    file = tmp_path / "sent.csv"
    if raw is not None:
        file.write_bytes(raw)
    with pytest.raises(CommandError, match="Nothing was kept"):
        call_command("volumes", str(file))
