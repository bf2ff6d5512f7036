"""The cast: the people whom many tests know by name."""

import pytest

from customers.models import Membership, Tenant, User
from tests.factories import make_membership, make_tenant, make_user

ADMIN = Membership.Kind.ADMIN


@pytest.fixture
def clinic(db: None) -> Tenant:
    return make_tenant("Clinic", domain="clinic.example")


@pytest.fixture
def school(db: None) -> Tenant:
    return make_tenant("School", domain="school.example")


@pytest.fixture
def dana(clinic: Tenant) -> User:
    """Admin of the clinic."""
    user = make_user("dana@clinic.example", name="Dana")
    make_membership(user, clinic, ADMIN)
    return user


@pytest.fixture
def erin(clinic: Tenant) -> User:
    """Member of the clinic, no admin."""
    user = make_user("erin@clinic.example", name="Erin")
    make_membership(user, clinic)
    return user


@pytest.fixture
def charlie(school: Tenant) -> User:
    """Admin of the school: a stranger to the clinic, who must see nothing of it."""
    user = make_user("charlie@school.example", name="Charlie")
    make_membership(user, school, ADMIN)
    return user


@pytest.fixture
def minji(db: None) -> User:
    """Agent of level 1; speaks Korean."""
    return make_user("minji@mail.example", name="민지", is_staff=True, level=1, language="ko")


@pytest.fixture
def joon(db: None) -> User:
    """Agent of level 2."""
    return make_user("joon@mail.example", name="준", is_staff=True, level=2, language="ko")


@pytest.fixture
def root(db: None) -> User:
    """The operator."""
    return make_user("root@mail.example", name="Root", is_staff=True, is_superuser=True, level=3)
