"""Reports at the desk: found, read, and given to a tenant by hand."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from abuse.kinds import Filed, Strength
from abuse.models import Report
from customers.models import Tenant, User
from tests.abuse.desk import DESK, at, n_queries, page, rows
from tests.abuse.factories import make_incident, make_report
from tests.factories import make_tenant

pytestmark = pytest.mark.django_db
LIST = "report/"


@pytest.fixture
def desk(minji: User) -> Client:
    return at(minji)


@pytest.fixture
def nobodys() -> Report:
    """Ours, as an enrolled reporter says, from a range that tenants share."""
    return make_report(filed=Filed.NO_TENANT, strength=Strength.C, why=["reporter", "shared-range"])


def assign(desk: Client, report: Report, tenant: str = "Clinic", note: str = "By our log.") -> str:
    path = f"{DESK}/report/{report.pk}/assign/"
    answer = desk.post(path, {"tenant": tenant, "note": note}, follow=True)
    return str(answer.content.decode())


def test_lists_and_pages_ask_as_often_for_30_as_for_1(desk: Client) -> None:
    first = make_report(make_tenant("First"))
    page(desk, LIST)
    with_one = [n_queries(desk, path) for path in (LIST, f"report/{first.pk}/change/")]
    for n in range(29):
        make_report(make_tenant(f"Tenant {n}"))

    assert [n_queries(desk, path) for path in (LIST, f"report/{first.pk}/change/")] == with_one
    assert with_one[0] <= 7


def test_reports_are_narrowed_by_how_they_were_filed_and_how_sure_they_are(desk: Client) -> None:
    by_filed = {kind: make_report(filed=kind, strength="").pk for kind in Filed}
    by_strength = {kind: make_report(strength=kind).pk for kind in Strength}

    for kind, pk in by_filed.items():
        if kind != Filed.COUNTED:
            assert rows(desk, LIST, filed__exact=kind) == {pk}
    for strength, pk in by_strength.items():
        assert rows(desk, LIST, strength__exact=strength) == {pk}


@pytest.mark.parametrize(
    ("typed", "is_found"),
    [
        ("198.51.100.7", True),
        ("[198.51.100.7]", True),
        ("sender.example", True),
        ("SENDER.example.", True),
        ("who@sender.example", True),
        ("{pk}", True),
        ("198.51.100.0/24", False),
        ("198.51.100.8", False),
        ("example", False),
        ("Win a prize", False),
        ("0", False),
    ],
)
def test_a_report_is_found_by_address_domain_and_number(
    desk: Client, typed: str, is_found: bool
) -> None:
    report = make_report(source_address="198.51.100.7", from_domain="sender.example")
    make_report(source_address="198.51.100.0")

    assert rows(desk, LIST, q=typed.format(pk=report.pk)) == ({report.pk} if is_found else set())


def test_an_address_of_ipv6_is_found_however_it_is_written(desk: Client) -> None:
    report = make_report(source_address="2001:db8::1")

    assert rows(desk, LIST, q="2001:DB8:0:0::0001") == {report.pk}


def test_the_page_shows_all_of_a_report(desk: Client, clinic: Tenant) -> None:
    incident = make_incident(clinic)
    report = make_report(
        clinic, incident, incidents=12, holder="Far Networks", evidence="<b>bold</b>",
        why=["trace", "of-tomorrow"],
    )  # fmt: skip

    shown = page(desk, f"report/{report.pk}/change/")

    for words in (
        "It carries our own mark", "of-tomorrow", "Far Networks", "12 complaints", "counted",
        f"/desk/abuse/incident/{incident.pk}/change/", "one@clinic.example", "&lt;b&gt;bold",
    ):  # fmt: skip
        assert words in shown, words
    assert "Whose mail was it?" not in shown


def test_a_report_is_read_and_never_changed(desk: Client) -> None:
    report = make_report()

    assert desk.get(f"{DESK}/report/99999/change/").status_code == 404
    assert desk.get(f"{DESK}/report/add/").status_code == 403
    assert desk.post(f"{DESK}/report/{report.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_agent_says_whose_mail_it_was(
    desk: Client, clinic: Tenant, minji: User, nobodys: Report
) -> None:
    assert "Whose mail was it?" in page(desk, f"report/{nobodys.pk}/change/")

    shown = assign(desk, nobodys, "clinic.example")

    assert "Given to a tenant (Clinic): counted." in shown
    assert "By our log." in shown
    assert str(minji) in shown
    assert "Whose mail was it?" not in shown
    nobodys.refresh_from_db()
    assert (nobodys.tenant, nobodys.filed) == (clinic, Filed.COUNTED)
    assert LogEntry.objects.get().object_id == str(nobodys.pk)


@pytest.mark.parametrize(
    ("tenant", "note", "words"),
    [
        ("nobody.example", "By our log.", "No tenant has this domain or name: nobody.example."),
        ("Clin", "By our log.", "No tenant has this domain or name: Clin."),
        ("Clinic", " ", "This field is required."),
        ("Clinic", "x" * 501, "500 characters"),
    ],
)
def test_what_is_typed_wrong_is_said_beside_it(
    desk: Client, clinic: Tenant, nobodys: Report, tenant: str, note: str, words: str
) -> None:
    assert words in assign(desk, nobodys, tenant, note)

    nobodys.refresh_from_db()
    assert nobodys.tenant is None


def test_a_report_that_has_its_place_stays_there(
    desk: Client, clinic: Tenant, school: Tenant
) -> None:
    counted = make_report(school, make_incident(school))

    assert "Only reports about our own mail" in assign(desk, counted)
    counted.refresh_from_db()
    assert counted.tenant == school


def test_the_address_of_the_form_alone_assigns_nothing(desk: Client, nobodys: Report) -> None:
    assert desk.get(f"{DESK}/report/{nobodys.pk}/assign/").status_code == 302
    nobodys.refresh_from_db()
    assert nobodys.filed == Filed.NO_TENANT
