"""Feedback loops for networks outside: asked for, shown, ended; and who may ask how often."""

import pytest
from django.test import Client
from django.utils import timezone

from abuse import loops
from abuse.models import Loop
from customers.models import Tenant
from delisting import work
from mailroom.models import Letter
from mailroom.tokens import token
from tests.delisting.test_work import solved

pytestmark = pytest.mark.django_db
ENGLISH = {"accept-language": "en"}
ASK = "/report/loop/"


def ask(client: Client, domain: str = "far.example", email: str = "fbl@far.example", **more: str):  # type: ignore[no-untyped-def]
    return client.post(ASK, {"domain": domain, "email": email, **more}, headers=ENGLISH)


def place(loop: Loop) -> str:
    return f"/report/loop/{loops.token(loop)}/"


def shown(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == status
    return str(answer.content.decode())


def test_a_network_asks_and_is_told_how_to_prove_its_domain(client: Client) -> None:
    assert "feedback loop" in shown(client, ASK)

    answer = ask(client, "Far.Example.", "fbl@far.example")

    loop = Loop.objects.get()
    assert (loop.domain, loop.tenant, loop.proved_at) == ("far.example", None, None)
    assert answer.headers["Location"] == place(loop)
    said = shown(client, place(loop))
    assert f"fbl+{loop.challenge}@" in said
    assert "DKIM signature of far.example" in said
    assert 'data-live="15"' in said
    letter = Letter.objects.get()
    assert (letter.recipient, letter.kind) == ("fbl@far.example", "loop-asked")
    assert f"/report/loop/{token(letter.link_key)}/" == place(loop)


def test_looking_at_the_pages_changes_nothing(client: Client) -> None:
    ask(client)
    loop = Loop.objects.get()
    shown(client, place(loop))
    assert client.head(place(loop)).status_code == 200

    loop.refresh_from_db()
    assert (loop.proved_at, loop.ended_at) == (None, None)


def test_who_has_the_link_ends_the_loop(client: Client) -> None:
    ask(client)
    loop = Loop.objects.get()

    answer = client.post(place(loop))

    assert answer.headers["Location"] == place(loop)
    loop.refresh_from_db()
    assert loop.ended_at is not None
    said = shown(client, place(loop))
    assert "This feedback loop has ended." in said
    assert "btn danger" not in said
    ended = loop.ended_at
    client.post(place(loop))
    loop.refresh_from_db()
    assert loop.ended_at == ended


def test_a_loop_of_a_customer_has_the_same_page(client: Client, clinic: Tenant) -> None:
    loop = loops.subscribe(clinic, "clinic.example", "fbl@clinic.example")

    said = shown(client, place(loop))

    assert "This feedback loop is running." in said
    assert "data-live" not in said
    assert "Clinic" not in said


def test_an_unknown_link_shows_nothing_and_ends_nothing(client: Client) -> None:
    for odd in ("x", token("loop:x"), "%00"):
        assert client.get(f"/report/loop/{odd}/").status_code == 404
        assert client.post(f"/report/loop/{odd}/").status_code == 404
    assert "This link does not work any more" in shown(client, "/report/loop/x/", 404)


def test_the_page_is_its_readers_alone(client: Client) -> None:
    ask(client)
    answer = client.get(place(Loop.objects.get()))

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_post_from_elsewhere_ends_nothing(client: Client) -> None:
    ask(client)
    strict = Client(enforce_csrf_checks=True)

    assert strict.post(place(Loop.objects.get())).status_code == 403
    assert Loop.objects.get().ended_at is None


@pytest.mark.parametrize(
    ("domain", "email", "field"),
    [
        ("no domain", "fbl@far.example", "id_domain_error"),
        ("far.example", "nobody", "id_email_error"),
        ("", "fbl@far.example", "id_domain_error"),
        ("far.example", "x" * 400, "id_email_error"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    client: Client, domain: str, email: str, field: str
) -> None:
    answer = ask(client, domain, email)

    assert answer.status_code in {409, 422}
    assert f'id="{field}"' in answer.content.decode()
    assert not Loop.objects.exists()
    assert not Letter.objects.exists()


def test_a_running_loop_is_not_made_twice(client: Client, clinic: Tenant) -> None:
    asked, _token = loops.ask("far.example", "fbl@far.example")
    Loop.objects.filter(pk=asked.pk).update(proved_at=timezone.now())

    answer = ask(client, "far.example", "fbl@far.example")

    assert answer.status_code == 409
    assert "gets the copies about this domain already" in answer.content.decode()


def test_nobody_is_flooded_with_letters(client: Client) -> None:
    for _again in range(loops.FOR_MAILBOX.most):
        assert ask(client, "far.example", "fbl@far.example").status_code == 302
    assert ask(client, "far.example", "fbl@far.example").status_code == 429
    assert Letter.objects.count() == loops.FOR_MAILBOX.most


def test_without_work_few_may_ask_and_with_it_more(client: Client) -> None:
    work.WITHOUT_PROOF.take("127.0.0.0/24", work.WITHOUT_PROOF.most)

    refused = ask(client)
    assert refused.status_code == 429
    assert "With scripts turned on" in refused.content.decode()
    assert ask(client, work=solved(work.challenge())).status_code == 302


@pytest.mark.parametrize(
    ("domain", "email"),
    [
        ("mail.example", "eve@mail.example"),  # our own: whoever sends through us has its signature
        ("news.mail.example", "eve@news.mail.example"),
        ("clinic.example", "eve@clinic.example"),
        ("far.example", "victim@third.example"),
    ],
)
def test_copies_go_to_nobody_but_the_domains_own_people(
    client: Client, clinic: Tenant, domain: str, email: str
) -> None:
    assert ask(client, domain, email).status_code == 422
    assert not Letter.objects.exists()


def test_a_tenant_has_no_copies_sent_to_strangers(clinic: Tenant) -> None:
    with pytest.raises(loops.NotTheirs):
        loops.subscribe(clinic, "clinic.example", "victim@third.example")
