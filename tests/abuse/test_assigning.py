"""A report that nobody's mail was known for counts once an agent says whose it was."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from abuse.assigning import NoSuchTenant, NotAssignable, assign, tenant_named
from abuse.kinds import Filed, Strength
from abuse.lifecycle import State
from abuse.models import Incident, Report, Reporter, Voice
from customers.models import Tenant, User
from escalation.actors import Actor, Role
from tests.abuse.factories import make_incident, make_report
from tests.factories import make_tenant
from tests.listings.test_races import in_threads


def nobodys(**fields: object) -> Report:
    return make_report(**{"filed": Filed.NO_TENANT, "strength": Strength.C, **fields})  # type: ignore[arg-type]


def agent(user: User) -> Actor:
    return Actor(Role.AGENT, user, level=user.level)


def given(report: Report, tenant: Tenant, user: User) -> str:
    return assign(report, tenant, agent(user), "By our log.").filed


@pytest.mark.django_db
class TestOne:
    def test_it_counts_as_if_it_came_in_now(self, clinic: Tenant, minji: User) -> None:
        report = nobodys()

        row = assign(report, clinic, agent(minji), " By our log. ")

        report.refresh_from_db()
        incident = Incident.objects.get()
        assert (report.tenant, report.incident, report.filed) == (clinic, incident, Filed.COUNTED)
        assert report.strength == Strength.C
        assert (incident.enrolled, incident.anonymous, incident.claims) == (0, 1, 0)
        assert incident.due_at is not None
        voice = Voice.objects.get()
        assert (voice.tenant, voice.day, voice.is_proved) == (
            clinic, timezone.now().date(), True
        )  # fmt: skip
        assert row.facts["assigned"]["by"] == str(minji)
        assert row.facts["assigned"]["note"] == "By our log."
        assert row.facts["verified"], "the other facts stay"

    def test_a_claim_stays_a_claim(self, clinic: Tenant, minji: User) -> None:
        given(nobodys(strength=Strength.D), clinic, minji)

        incident = Incident.objects.get()
        assert (incident.anonymous, incident.claims) == (0, 1)
        assert not Voice.objects.get().is_proved

    def test_an_enrolled_reporter_counts_as_one(self, clinic: Tenant, minji: User) -> None:
        far = Reporter.objects.create(name="Far", domain="far.example")

        given(nobodys(enrolled=far), clinic, minji)

        assert Incident.objects.get().enrolled == 1

    def test_it_joins_the_incident_that_is_open(self, clinic: Tenant, minji: User) -> None:
        ended = make_incident(clinic, state=State.RESOLVED)
        open_ = make_incident(clinic, state=State.ASKED)

        given(nobodys(), clinic, minji)

        assert list(open_.reports.all()) == [Report.objects.get()]
        assert not ended.reports.exists()

    def test_one_reporter_weighs_one_a_day(self, clinic: Tenant, minji: User) -> None:
        first, second = nobodys(), nobodys()

        assert given(first, clinic, minji) == Filed.COUNTED
        assert given(second, clinic, minji) == Filed.SAME_REPORTER
        with time_machine.travel(timezone.now() + timedelta(days=1)):
            assert given(nobodys(), clinic, minji) == Filed.COUNTED
        assert Incident.objects.get().anonymous == 2

    def test_the_same_message_by_another_name_is_a_duplicate(
        self, clinic: Tenant, minji: User
    ) -> None:
        first = nobodys(message_key="m", reporter="pat")
        second = nobodys(message_key="m", reporter="kim")

        assert given(first, clinic, minji) == Filed.COUNTED
        assert given(second, clinic, minji) == Filed.DUPLICATE
        assert Voice.objects.count() == 1
        second.refresh_from_db()
        assert (second.tenant, second.incident, second.due_at) == (clinic, None, None)

    def test_its_reporter_may_hear_of_it(self, clinic: Tenant, minji: User) -> None:
        first, again = nobodys(message_key="m"), nobodys(message_key="m")

        given(first, clinic, minji)
        given(again, clinic, minji)

        assert list(Report.objects.exclude(due_at=None)) == [first]

    @pytest.mark.parametrize("filed", sorted(set(Filed) - {Filed.NO_TENANT}))
    def test_only_what_is_ours_and_nobodys_can_be_assigned(
        self, clinic: Tenant, minji: User, filed: str
    ) -> None:
        with pytest.raises(NotAssignable):
            given(nobodys(filed=filed), clinic, minji)
        assert not Voice.objects.exists()

    def test_what_makes_no_incident_is_not_assigned(self, clinic: Tenant, minji: User) -> None:
        with pytest.raises(NotAssignable):
            given(nobodys(feedback_class="not_spam"), clinic, minji)

    @pytest.mark.parametrize("text", ["clinic.example", " CLINIC.example. ", "Clinic"])
    def test_a_tenant_is_named_by_a_domain_or_its_whole_name(
        self, clinic: Tenant, text: str
    ) -> None:
        assert tenant_named(text) == clinic

    def test_a_domain_goes_before_a_name_that_looks_like_one(self, clinic: Tenant) -> None:
        make_tenant("clinic.example")
        assert tenant_named("clinic.example") == clinic

    @pytest.mark.parametrize("text", ["", "\0", "Clin", "clinic", "ward.clinic.example", "x" * 300])
    def test_nobody_is_guessed(self, clinic: Tenant, text: str) -> None:
        with pytest.raises(NoSuchTenant):
            tenant_named(text)


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_of_several_agents_who_assign_one_report_one_does_it(
    clinic: Tenant, school: Tenant, minji: User
) -> None:
    report = nobodys()

    def once(tenant: Tenant) -> str:
        try:
            return given(report, tenant, minji)
        except NotAssignable:
            return "too late"

    done = in_threads(*[lambda t=tenant: once(t) for tenant in (clinic, school, clinic, school)])

    assert sorted(done) == [Filed.COUNTED, "too late", "too late", "too late"]  # type: ignore[type-var]
    assert Voice.objects.count() == 1
    report.refresh_from_db()
    assert report.incident.tenant == report.tenant


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_reports_of_one_reporter_that_are_assigned_at_once_weigh_one(
    clinic: Tenant, minji: User
) -> None:
    reports = [nobodys() for _number in range(4)]

    done = in_threads(*[lambda r=report: given(r, clinic, minji) for report in reports])

    assert sorted(done) == [Filed.COUNTED, *[Filed.SAME_REPORTER] * 3]  # type: ignore[type-var]
    assert Incident.objects.get().anonymous == 1
