"""Owners at the desk: every agent may look, and act only with a reason."""

import pytest
from django.test import Client
from django.urls import reverse

from ownership.fake_registry import FakeRegistry
from ownership.models import Answer, Contact, Proof
from tests.factories import make_user
from tests.ownership import factories
from tests.ownership.factories import answer, make_inquiry, sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent(client: Client) -> Client:
    client.force_login(make_user("ada@mail.example", is_staff=True, level=2))
    return client


@pytest.fixture
def confirmed(registry: FakeRegistry) -> None:
    make_inquiry()
    sweep()
    answer("abuse@hosting.example", Answer.Kind.CONFIRM)
    sweep()


PAGES = ["request", "contact", "network", "proof"]


@pytest.mark.parametrize("page", PAGES)
def test_lists_and_rows_can_be_read(agent: Client, confirmed: None, page: str) -> None:
    listed = agent.get(reverse(f"admin:ownership_{page}_changelist"))
    first = listed.context["cl"].queryset.first()
    shown = agent.get(reverse(f"admin:ownership_{page}_change", args=[first.pk]))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert 'name="_save"' not in shown.content.decode()
    assert agent.get(reverse(f"admin:ownership_{page}_add")).status_code == 403


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_may_look(client: Client, confirmed: None, page: str) -> None:
    client.force_login(make_user())

    assert client.get(reverse(f"admin:ownership_{page}_changelist")).status_code != 200


@pytest.mark.parametrize(("term", "found"), [("192.0.2.7", 1), ("203.0.113.1", 0), ("192", 1)])
def test_networks_are_found_by_an_address_inside(
    agent: Client, confirmed: None, term: str, found: int
) -> None:
    page = agent.get(reverse("admin:ownership_network_changelist"), {"q": term})

    assert page.context["cl"].result_count == found


@pytest.mark.parametrize(("reason", "revoked"), [("", False), ("Taken over.", True)])
def test_a_proof_is_revoked_with_a_reason_only(
    agent: Client, confirmed: None, reason: str, revoked: bool
) -> None:
    proof = Proof.objects.get()

    agent.post(
        reverse("admin:ownership_proof_changelist"),
        {"action": "revoke", "_selected_action": [proof.pk], "reason": reason},
    )

    proof.refresh_from_db()
    assert bool(proof.revoked_at) == revoked
    assert proof.revoke_reason == reason


def test_the_stop_list_is_kept_by_agents(agent: Client, confirmed: None) -> None:
    contact = Contact.objects.get(email="noc@hosting.example")
    page = reverse("admin:ownership_contact_changelist")

    agent.post(page, {"action": "stop", "_selected_action": [contact.pk]})
    contact.refresh_from_db()
    assert contact.stopped_at
    assert agent.get(page, {"is": "stopped"}).context["cl"].result_count == 1

    agent.post(page, {"action": "allow", "_selected_action": [contact.pk]})
    contact.refresh_from_db()
    assert contact.stopped_at is None


@pytest.mark.parametrize("page", PAGES)
def test_a_list_takes_as_many_queries_for_thirty_rows_as_for_one(
    agent: Client, registry: FakeRegistry, page: str, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        network = factories.make_network(f"10.0.{number}.0/24", f"noc@holder{number}.example")
        factories.make_proof(f"10.0.{number}.0/24", network=network)

    with django_assert_max_num_queries(8):  # type: ignore[operator]
        agent.get(reverse(f"admin:ownership_{page}_changelist"))
