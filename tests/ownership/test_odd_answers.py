"""Answers of registries with odd spellings: what they mean is read, and nobody is made up."""

import json
from typing import Any

import pytest

from ownership import mailboxes, registry
from ownership.facts import NetworkFacts
from tests.ownership.test_registry import contact, make_answer, make_entity


def chosen(facts: NetworkFacts) -> str:
    return facts.chosen.email if facts.chosen else ""


@pytest.mark.parametrize(
    "local_part",
    ["no.reply", "No-Reply", "noreply-abuse", "abuse-noreply", "no_email", "unread", "unmonitored"],
)
def test_a_mailbox_whose_name_says_that_nobody_reads_it_is_not_chosen(local_part: str) -> None:
    facts = make_answer(
        make_entity("A", "abuse", f"{local_part}@a.example"),
        make_entity("B", "technical", "noc@a.example"),
    )
    assert "placeholder" in contact(facts, f"{local_part.lower()}@a.example").flags
    assert chosen(facts) == "noc@a.example"


def test_a_name_that_can_never_exist_is_no_mailbox() -> None:
    facts = make_answer(make_entity("A", "abuse", "abuse@gone.invalid"))
    assert chosen(facts) == ""


@pytest.mark.parametrize("kind", ["Early Registrations, Maintained by ARIN", "RESERVED"])
def test_a_block_that_the_registry_only_keeps_is_nobodys(kind: str) -> None:
    facts = make_answer(make_entity("A", "abuse", "hostmaster@a.example"), type=kind)
    assert "catch_all" in facts.flags
    assert chosen(facts) == ""


def test_a_name_that_contains_the_registrys_does_not_make_it_the_registry() -> None:
    holder = make_entity("A", "registrant", "noc@a.example")
    holder["vcardArray"][1].append(["fn", {}, "text", "IDNIC-SAMPLE-AS-ID"])
    facts = make_answer(holder, make_entity("B", "abuse", "abuse@idnic.net"))
    assert chosen(facts) == "noc@a.example"


@pytest.mark.parametrize("said", ["has never been validated", "has not yet been validated"])
def test_what_was_never_validated_is_not_validated(said: str) -> None:
    remark = {"description": [f"abuse@a.example {said}"]}
    facts = make_answer(make_entity("A", "abuse", "abuse@a.example"), remarks=[remark])
    assert contact(facts, "abuse@a.example").flags == {"unvalidated"}


def test_an_address_far_back_in_a_remark_is_found() -> None:
    remark = {"description": ["x" * 3000 + "\nWrite to abuse@a.example\n"]}
    assert chosen(make_answer(remarks=[remark])) == "abuse@a.example"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("abuse@a.example\\nnoc@a.example", ["abuse@a.example", "noc@a.example"]),
        ("abuse@a.example\\,noc@a.example", ["abuse@a.example", "noc@a.example"]),
        ("E-mail:abuse@a.example", ["abuse@a.example"]),
        ("mailto:abuse@a.example?subject=x", ["abuse@a.example"]),
        ("'abuse@a.example'", ["abuse@a.example"]),
        ("abuse@a.example/", ["abuse@a.example"]),
        ("abuse@a.example:", ["abuse@a.example"]),
        ("\ufeffabuse@a.exa\u00admple", ["abuse@a.example"]),
        ("jürgen@a.example", []),
    ],
)
def test_an_address_is_found_in_what_stands_around_it(written: str, expected: list[str]) -> None:
    assert mailboxes.all_of(written) == expected


def test_escaped_line_ends_are_no_letters_of_an_address() -> None:
    assert list(mailboxes.in_text("Reports:\\nabuse@a.example\\n")) == ["abuse@a.example"]


@pytest.mark.parametrize("length", [24, "24"])
def test_a_length_may_be_a_text(length: Any) -> None:
    facts = registry.read({"cidr0_cidrs": [{"v4prefix": "192.0.2.0", "length": length}]})
    assert (str(facts.first), str(facts.last)) == ("192.0.2.0", "192.0.2.255")


def test_a_raw_line_end_within_a_text_is_endured() -> None:
    body = json.dumps({"name": "A B"}).replace(" B", "\tB").encode()
    assert registry.parse(body)["name"] == "A\tB"
