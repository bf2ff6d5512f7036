"""Made-up people, tenants, listings and tickets for demo mode; idempotent.

All addresses are documentation prefixes (RFC 5737, RFC 3849), all domains
``.example`` (RFC 2606).
"""

from datetime import timedelta
from ipaddress import ip_network

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from abuse import demo as junk
from customers.models import Membership, Tenant, User
from escalation import prefixes
from escalation.actors import DESK
from listings import actions as listing_actions
from listings import publishing
from listings.models import Listing, ReasonClass
from tickets import opening
from traffic.models import Tally

PASSWORD = "postern-demo"  # noqa: S105 -- of made-up people, in demo mode only
PEOPLE = (
    ("dana@clinic.example", "Dana", "en", "Clinic", Membership.Kind.ADMIN),
    ("erin@clinic.example", "Erin", "en", "Clinic", Membership.Kind.MEMBER),
    ("hana@school.example", "하나", "ko", "School", Membership.Kind.ADMIN),
)
AGENTS = (("minji@mail.example", "Minji", "en", 1), ("joon@mail.example", "준", "ko", 2))
OPERATOR = "operator@mail.example"
DOMAINS = {"Clinic": "clinic.example", "School": "school.example"}

# prefix, reason class, listed how many hours ago, hits, evidence
LISTED = (
    ("198.51.100.25", ReasonClass.AUTOMATIC, 38, 214, "214 messages to mailboxes that never asked"),
    ("198.51.100.77", ReasonClass.AUTOMATIC, 16, 61, "61 messages to unknown mailboxes"),
    ("198.51.100.200", ReasonClass.TRAP, 70, 9, "9 hits on spam traps"),
    ("192.0.2.140", ReasonClass.POLICY, 400, 0, "no reverse name"),
    ("192.0.2.64/27", ReasonClass.RANGE, 900, 1820, "snowshoe: 1820 messages from 31 addresses"),
    ("203.0.113.201", ReasonClass.AUTOMATIC, 5, 33, "33 messages to unknown mailboxes"),
    ("203.0.113.0/25", ReasonClass.RANGE, 2000, 7312, "range: 7312 messages in a week"),
    ("2001:db8:100:40::/64", ReasonClass.AUTOMATIC, 300, 405, "405 messages from one /64"),
    ("2001:db8:200:10::25", ReasonClass.AUTOMATIC, 20, 12, "12 messages to unknown mailboxes"),
)
# client, recipient's domain, hours ago, refused, accepted, sender of the last one refused
TRAFFIC = (
    ("198.51.100.25", "clinic.example", 2, 6, 0, "accounts@bank.example"),
    ("198.51.100.77", "clinic.example", 9, 2, 0, "orders@shop.example"),
    ("2001:db8:100:40::25", "clinic.example", 30, 3, 0, "results@lab.example"),
    ("203.0.113.201", "school.example", 5, 4, 0, "board@club.example"),
    ("198.51.100.200", "school.example", 50, 9, 0, "win@prize.example"),
    ("198.51.100.130", "clinic.example", 4, 0, 48, ""),
    ("198.51.100.131", "clinic.example", 28, 0, 17, ""),
    ("198.51.100.131", "school.example", 3, 0, 22, ""),
)
TICKETS = (
    ("hana@school.example", "203.0.113.201", "club.example", "교무실에서 기다리는 메일입니다."),
    ("hana@school.example", "192.0.2.140", "news.example", ""),
    ("dana@clinic.example", "2001:db8:100:40::25", "lab.example", "Lab results come from there."),
)


def is_on() -> bool:
    return settings.POSTERN_DEMO


def play() -> dict[str, object]:
    """What the front page says of the demo: who can sign in, and a bounce to begin with."""
    first, *others = [email for email, *_rest in (*PEOPLE, *AGENTS)]
    agent = AGENTS[0][0]
    address = LISTED[0][0]
    return {
        "customer": first,
        "agent": agent,
        "others": [email for email in (*others, OPERATOR) if email != agent],
        "password": PASSWORD,
        "bounce": (
            "From: MAILER-DAEMON@mail.bank.example\nTo: accounts@bank.example\n"
            "Subject: Undelivered Mail Returned to Sender\n\n"
            f"<{first}>: host mx1.mail.example[192.0.2.1] said: 550 5.7.606 Access denied,\n"
            f"    banned sending IP [{address}] (in reply to RCPT TO command)"
        ),
    }


def make() -> None:
    """Make whatever of the demo is missing."""
    publishing.make_first_sink()
    with transaction.atomic():
        _people()
        _listings()
        _traffic()
    for email, address, domain, note in TICKETS:
        _ticket(email, address, domain, note)
    reported = next(iter(DOMAINS))
    junk.make(Tenant.objects.get(name=reported), DOMAINS[reported])


def _people() -> None:
    for email, name, language, level in AGENTS:
        _person(email, name, language, is_staff=True, level=level)
    _person(OPERATOR, "Operator", "en", is_staff=True, is_superuser=True, level=3)
    for email, name, language, tenant_name, kind in PEOPLE:
        tenant, _made = Tenant.objects.get_or_create(name=tenant_name)
        tenant.domains.get_or_create(name=DOMAINS[tenant_name])
        user = _person(email, name, language)
        Membership.objects.get_or_create(user=user, tenant=tenant, defaults={"kind": kind})


def _person(email: str, name: str, language: str, **fields: object) -> User:
    known = User.objects.filter(email=email).first()
    return known or User.objects.create_user(
        email, PASSWORD, name=name, language=language, **fields
    )


def _listings() -> None:
    if Listing.objects.exists():
        return
    now = timezone.now()
    for text, reason, hours, hits, evidence in LISTED:
        _list(text, reason, now - timedelta(hours=hours), hits, evidence)
    # Enough single addresses that the removal of a few shrinks no feed by a third.
    for number in range(1, 60):
        _list(
            f"203.0.113.{127 + number}", ReasonClass.AUTOMATIC, now - timedelta(days=number), 3, ""
        )


def _list(text: str, reason: str, listed_at: object, hits: int, evidence: str) -> None:
    prefix = ip_network(text)
    if Listing.objects.filter(prefix=str(prefix)).exists():
        return
    listing = listing_actions.add(
        prefix, actor=DESK, reason_class=reason, source="demo", evidence=evidence
    )
    Listing.objects.filter(pk=listing.pk).update(
        listed_at=listed_at,
        state_since=listed_at,
        hits=hits,
        last_hit_at=listed_at if hits else None,
    )


def _traffic() -> None:
    """What the mail servers of the demo have noted: whom they refused, and whom they let in."""
    if Tally.objects.exists():
        return
    now = timezone.now()
    for address, domain, hours, refused, accepted, sender in TRAFFIC:
        at = now - timedelta(hours=hours)
        known = {"sender": sender, "recipient": f"office@{domain}"} if refused else {}
        Tally.objects.create(
            day=at.date(), address=prefixes.key(prefixes.parse_address(address)),
            recipient_domain=domain, refused=refused, accepted=accepted,
            first_refused_at=at - timedelta(hours=1) if refused else None,
            last_refused_at=at if refused else None, **known,
        )  # fmt: skip


def _ticket(email: str, address: str, domain: str, note: str) -> None:
    membership = Membership.objects.select_related("tenant", "user").get(user__email=email)
    wish = opening.Application(
        prefix=address,
        sender_email=f"postmaster@{domain}",
        recipient=f"office@{DOMAINS[membership.tenant.name]}",
        sender_organisation=domain.partition(".")[0].capitalize(),
        smtp_reply=f"550 5.7.606 Access denied, banned sending IP [{address}]",
        note=note,
    )
    opening.open_ticket(membership.tenant, membership.actor(), wish, key=f"demo:{address}")
