"""The tables of the abuse desk: agents look, the operator changes, nothing is lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from abuse.models import (
    AddressRange,
    HookCall,
    Loop,
    Reporter,
    SentVolume,
    SigningKey,
    Step,
    Threshold,
)
from customers.models import Tenant, User
from mailroom.tokens import digest
from tests.abuse.desk import DESK, act, at, n_queries, page, rows, said
from tests.abuse.factories import make_incident
from tests.abuse.mails import record
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
LISTS = [
    "threshold", "signingkey", "addressrange", "reporter", "sentvolume", "loop", "hookcall"
]  # fmt: skip
EDITED = ["threshold", "signingkey", "addressrange", "reporter"]
NOW = {"valid_from": "2026-01-01T00:00", "valid_until": ""}


@pytest.fixture
def desk(minji: User) -> Client:
    return at(minji)


@pytest.fixture
def operator(root: User) -> Client:
    return at(root)


def make_loop(n: int, **fields: Any) -> Loop:
    return Loop.objects.create(
        **{
            "domain": "clinic.example", "email": f"a{n}@clinic.example", "challenge": f"{n}",
            "status_digest": digest(f"{n}"), "proved_at": timezone.now(), **fields,
        }
    )  # fmt: skip


def make_call(tenant: Tenant, key: str = "1", **fields: Any) -> HookCall:
    return HookCall.objects.create(
        key=key, incident=make_incident(tenant, state="restricted"), what="restrict", **fields
    )


def fill(n: int, root: User) -> None:
    tenant = make_tenant(f"Tenant {n}")
    Threshold.objects.filter(step=Step.WARN).update(ended_at=timezone.now())
    Threshold.objects.create(step=Step.WARN, made_by=root)
    SigningKey.objects.create(tenant=tenant, domain=f"t{n}.example", selector="s", record="p=")
    AddressRange.objects.create(tenant=tenant, prefix=f"192.0.2.{n}")
    Reporter.objects.create(name=f"Far {n}", domain=f"far{n}.example")
    SentVolume.objects.create(tenant=tenant, day=timezone.now().date(), messages=n)
    make_loop(n, tenant=tenant)
    make_call(tenant, f"{n}")


def test_lists_ask_as_often_for_30_rows_as_for_1(desk: Client, root: User) -> None:
    fill(0, root)
    paths = [f"{name}/" for name in LISTS[1:]] + ["threshold/?rows=all"]
    page(desk, paths[0])
    with_one = [n_queries(desk, path) for path in paths]
    assert max(with_one) <= 7
    for n in range(1, 30):
        fill(n, root)

    assert [n_queries(desk, path) for path in paths] == with_one


@pytest.mark.parametrize("name", EDITED)
def test_agents_look_and_change_nothing(desk: Client, root: User, name: str) -> None:
    fill(0, root)
    [pk, *_others] = rows(desk, f"{name}/")

    page(desk, f"{name}/{pk}/change/")
    assert desk.post(f"{DESK}/{name}/{pk}/change/", {}).status_code == 403
    assert desk.get(f"{DESK}/{name}/add/").status_code == 403
    assert said(act(desk, f"{name}/", "end", pk)) in ([], ["No action selected."])


@pytest.mark.parametrize("name", [*EDITED, "sentvolume", "loop", "hookcall"])
def test_nobody_deletes_a_row(operator: Client, root: User, name: str) -> None:
    fill(0, root)
    [pk, *_others] = rows(operator, f"{name}/")

    answer = operator.post(f"{DESK}/{name}/{pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403


# -- Thresholds --------------------------------------------------------------------


def numbers(**fields: Any) -> dict[str, Any]:
    return {
        "window_days": 7, "enrolled": 2, "anonymous": 4, "per_1000": "1.50", "is_automatic": "on",
        "note": "Fewer letters.", **fields,
    }  # fmt: skip


def test_a_change_ends_the_threshold_and_makes_another(operator: Client, root: User) -> None:
    old = Threshold.objects.live().get(step=Step.WARN)
    form = operator.get(f"{DESK}/threshold/{old.pk}/change/").context["adminform"].form
    assert form["note"].value() == "", "each change has a reason of its own"

    operator.post(f"{DESK}/threshold/{old.pk}/change/", numbers())

    old.refresh_from_db()
    new = Threshold.objects.live().get(step=Step.WARN)
    assert (old.enrolled, old.anonymous, old.made_by) == (1, 3, None)
    assert old.ended_at is not None
    assert (new.enrolled, new.anonymous, str(new.per_1000), new.made_by) == (2, 4, "1.50", root)
    assert (new.note, new.step, new.feedback_class) == ("Fewer letters.", Step.WARN, "")
    assert old.pk not in rows(operator, "threshold/")
    assert old.pk in rows(operator, "threshold/", rows="all")
    assert operator.post(f"{DESK}/threshold/{old.pk}/change/", numbers()).status_code == 403


def test_a_number_left_empty_never_decides(operator: Client) -> None:
    old = Threshold.objects.live().get(step=Step.RESTRICT)

    operator.post(f"{DESK}/threshold/{old.pk}/change/", numbers(enrolled="", per_1000=""))

    new = Threshold.objects.live().get(step=Step.RESTRICT)
    assert (new.enrolled, new.anonymous, new.per_1000) == (None, 4, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"enrolled": 0}, {"anonymous": 0}, {"anonymous": -1}, {"per_1000": "0"},
        {"per_1000": "1001"}, {"window_days": 0}, {"window_days": 91}, {"note": " "},
    ],
)  # fmt: skip
def test_a_threshold_that_would_always_or_never_be_reached_is_refused(
    operator: Client, wrong: dict[str, Any]
) -> None:
    old = Threshold.objects.live().get(step=Step.WARN)

    answer = operator.post(f"{DESK}/threshold/{old.pk}/change/", numbers(**wrong))

    assert answer.context["errors"]
    old.refresh_from_db()
    assert old.ended_at is None


def test_a_class_gets_a_threshold_of_its_own_and_loses_it_again(operator: Client) -> None:
    given = numbers(step="warn", feedback_class="fraud", anonymous=1)
    operator.post(f"{DESK}/threshold/add/", given)
    row = Threshold.objects.live().get(feedback_class="fraud")
    assert (row.step, row.anonymous) == (Step.WARN, 1)

    again = operator.post(f"{DESK}/threshold/add/", given)
    assert "change that one" in again.content.decode()
    other = operator.post(f"{DESK}/threshold/add/", numbers(step="warn", feedback_class="not_spam"))
    assert other.context["errors"], "of these no incident is made"

    assert said(act(operator, "threshold/", "end", row.pk)) == ["1 threshold ended."]
    row.refresh_from_db()
    assert row.ended_at is not None
    assert LogEntry.objects.filter(object_id=str(row.pk), change_message="ended").exists()


# -- Keys, ranges, reporters -------------------------------------------------------


def test_a_key_is_pasted_as_the_dns_shows_it(operator: Client, clinic: Tenant) -> None:
    whole = record()
    pasted = f'"{whole[:40]}"\n  "{whole[40:]}"'
    fields = {"tenant": clinic.pk, "domain": "CLINIC.example.", "selector": "S1", "record": pasted}

    operator.post(f"{DESK}/signingkey/add/", {**fields, **NOW})

    key = SigningKey.objects.get()
    assert (key.domain, key.selector, key.tenant) == ("clinic.example", "s1", clinic)
    assert (key.record, key.source) == (whole, "desk")
    assert rows(operator, "signingkey/", q="Clinic.Example") == {key.pk}
    assert rows(operator, "signingkey/", q="example") == set()


@pytest.mark.parametrize(
    "wrong",
    [
        {"record": "v=spf1 -all"}, {"record": "v=DKIM1; p="}, {"record": "v=DKIM1; p=AAAA"},
        {"domain": "no domain"}, {"valid_until": "2025-12-31T00:00"},
    ],
)  # fmt: skip
def test_what_could_prove_nothing_is_no_key(operator: Client, wrong: dict[str, str]) -> None:
    fields = {"tenant": "", "domain": "clinic.example", "selector": "s1", "record": record()}

    answer = operator.post(f"{DESK}/signingkey/add/", {**fields, **NOW, **wrong})

    assert answer.context["errors"]
    assert not SigningKey.objects.exists()


def test_a_key_stays_what_it_is_and_only_ends(operator: Client) -> None:
    key = SigningKey.objects.create(domain="clinic.example", selector="s1", record=record())
    until = timezone.now() + timedelta(days=1)
    fields = {"tenant": "", "domain": "evil.example", "record": "p=x",
              "valid_until": f"{until:%Y-%m-%dT%H:%M}"}  # fmt: skip

    operator.post(f"{DESK}/signingkey/{key.pk}/change/", fields)

    key.refresh_from_db()
    assert (key.domain, key.record) == ("clinic.example", record())
    assert key.valid_until is not None


def test_a_range_is_found_by_an_address_in_it_and_ends(operator: Client, clinic: Tenant) -> None:
    fields = {"tenant": clinic.pk, "prefix": "198.51.100.0/24", **NOW}
    operator.post(f"{DESK}/addressrange/add/", fields)
    row = AddressRange.objects.get()
    assert (row.tenant, row.prefix) == (clinic, "198.51.100.0/24")
    assert rows(operator, "addressrange/", q="198.51.100.7") == {row.pk}
    for other in ("198.51.101.7", "198.51.0.0/16", "nonsense"):
        assert rows(operator, "addressrange/", q=other) == set()

    assert said(act(operator, "addressrange/", "end", row.pk)) == ["1 range ended."]
    ended = AddressRange.objects.get().valid_until
    act(operator, "addressrange/", "end", row.pk)
    assert AddressRange.objects.get().valid_until == ended, "what has ended does not end again"
    assert ended is not None


def test_a_range_changes_hands_by_a_new_row_alone(
    operator: Client, clinic: Tenant, school: Tenant
) -> None:
    row = AddressRange.objects.create(tenant=clinic, prefix="198.51.100.0/24")
    fields = {"tenant": school.pk, "prefix": "192.0.2.0/24", **NOW}

    operator.post(f"{DESK}/addressrange/{row.pk}/change/", fields)

    row.refresh_from_db()
    assert (row.tenant, row.prefix) == (clinic, "198.51.100.0/24")


def test_a_prefix_that_is_none_is_answered_in_words(operator: Client) -> None:
    answer = operator.post(
        f"{DESK}/addressrange/add/", {"tenant": "", "prefix": "198.51.100.7/24", **NOW}
    )
    assert "198.51.100.0/24" in answer.content.decode()
    assert not AddressRange.objects.exists()


def test_a_reporter_is_enrolled_ends_and_is_enrolled_again(operator: Client) -> None:
    fields = {"name": "Far", "domain": "Far.example", "border": "mx.far.example, IN.far.example."}
    answer = operator.post(f"{DESK}/reporter/add/", fields)
    assert "This field is required." in answer.content.decode()  # whose mail is believed
    operator.post(f"{DESK}/reporter/add/", {**fields, "mailbox": "fbl@far.example"})
    row = Reporter.objects.get()
    assert (row.domain, row.border) == ("far.example", "mx.far.example in.far.example")
    assert row.mailbox == "fbl@far.example"

    act(operator, "reporter/", "end", row.pk)
    assert not Reporter.objects.live().exists()
    act(operator, "reporter/", "enrol_again", row.pk)
    assert Reporter.objects.live().exists()
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")][1:] == [
        "ended", "enrolled again"
    ]  # fmt: skip


@pytest.mark.parametrize("border", ["not a domain!", " ".join(f"m{n}.example" for n in range(21))])
def test_a_reporters_servers_are_domain_names(operator: Client, border: str) -> None:
    answer = operator.post(
        f"{DESK}/reporter/add/", {"name": "Far", "domain": "far.example", "border": border}
    )
    assert "at most 20 domain names" in answer.content.decode()


# -- Volumes, loops, the hook ------------------------------------------------------


def test_volumes_are_looked_up_by_tenant(desk: Client, clinic: Tenant, school: Tenant) -> None:
    mine, _other = (
        SentVolume.objects.create(tenant=tenant, day=timezone.now().date(), messages=5)
        for tenant in (clinic, school)
    )
    assert rows(desk, "sentvolume/", q="clin") == rows(desk, "sentvolume/", q="clinic.example")
    assert rows(desk, "sentvolume/", q="clin") == {mine.pk}


def test_an_agent_ends_a_feedback_loop(desk: Client) -> None:
    loop = make_loop(1, challenge="secret-of-the-loop")
    assert loop.challenge not in page(desk, f"loop/{loop.pk}/change/")

    assert said(act(desk, "loop/", "end", loop.pk)) == ["1 feedback loop ended."]
    loop.refresh_from_db()
    assert loop.ended_at is not None


def test_a_call_that_was_given_up_is_made_again(desk: Client, clinic: Tenant) -> None:
    call = make_call(clinic, parked_at=timezone.now(), attempts=8, last_error="answered 500")
    assert "given up" in page(desk, "hookcall/", **{"is": "parked"})

    act(desk, "hookcall/", "call_again", call.pk)

    call.refresh_from_db()
    assert (call.parked_at, call.attempts) == (None, 0)
    assert call.due_at is not None


def test_a_call_that_will_be_made_or_was_answered_is_left_alone(
    desk: Client, clinic: Tenant, school: Tenant
) -> None:
    now = timezone.now()
    waiting, done = make_call(clinic, due_at=now), make_call(school, "2", done_at=now)

    for action in ("call_again", "done_by_hand"):
        answer = act(desk, "hookcall/", action, waiting.pk, done.pk)
        assert [words.partition(": ")[2] for words in said(answer)]
        assert all("will be made by itself" in words for words in said(answer))
    done.refresh_from_db()
    assert (done.due_at, done.answer) == (None, "")


def test_without_a_hook_a_person_says_that_it_is_done(
    desk: Client, clinic: Tenant, minji: User
) -> None:
    call = make_call(clinic)
    assert "to be done by hand" in page(desk, "hookcall/", **{"is": "open"})

    act(desk, "hookcall/", "done_by_hand", call.pk)

    call.refresh_from_db()
    assert call.done_at is not None
    assert call.answer == f"by hand: {minji}"
    assert rows(desk, "hookcall/", **{"is": "open"}) == set()
    assert "by hand" in page(desk, f"hookcall/{call.pk}/change/")
