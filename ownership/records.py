"""What a registry answered, kept: networks with their contacts, and the raw document."""

import gzip
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from escalation import prefixes
from escalation.prefixes import Prefix
from ownership import rdap, registry
from ownership.facts import ContactFacts, ContactFlag, Flag, NetworkFacts
from ownership.models import Contact, Lookup, Network, NetworkContact
from ownership.walk import Found

MOST_CONTACTS = 50  # kept of one answer


@transaction.atomic
def keep(found: Found, prefix: Prefix, *, asked: bool) -> Network:
    """Write what was found about ``prefix``; ``asked`` unless it is the parent of what was.

    Where the registry does not say how wide the network is, the row holds
    ``prefix`` alone.
    """
    facts, answer = found.facts, found.answer
    if facts.first is None or facts.last is None or Flag.RANGE_UNKNOWN in facts.flags:
        first, last = prefixes.keys(prefix)
    else:
        first, last = prefixes.key(facts.first), prefixes.key(facts.last)
    values = {
        "name": facts.name[:200],
        "type": facts.type[:100],
        "country": facts.country,
        "organisation": facts.organisation[:300],
        "org_handle": facts.org_handle[:200],
        "up_url": facts.up_url[:500],
        "flags": sorted(facts.flags),
        "registered_at": facts.registered_at,
        "changed_at": facts.changed_at,
        "url": answer.final_url[:500],
        "chain": [url[:500] for url in answer.chain],
        "sha256": answer.sha256,
        "document_gz": gzip.compress(answer.body, mtime=0),
        "read_at": timezone.now(),
    }
    network, _ = Network.objects.update_or_create(
        registry=answer.host, handle=facts.handle[:200], first=first, last=last, defaults=values
    )
    if asked:
        Lookup.objects.update_or_create(
            prefix=str(prefix), defaults={"network": network, "asked_at": network.read_at}
        )
    keep_contacts(network, facts.contacts[:MOST_CONTACTS], found.source)
    return network


def keep_contacts(network: Network, listed: tuple[ContactFacts, ...], source: str) -> None:
    """Make the network's contacts those of the latest answer; others stay, as no longer listed."""
    now = timezone.now()
    network.contacts.update(listed=False)
    people = {one.email for one in listed if ContactFlag.PERSON in one.flags}
    # Sorted, so that two workers insert in the same order and do not wait for each other.
    emails = sorted({one.email for one in listed})
    Contact.objects.bulk_create(
        [Contact(email=email, is_person=email in people) for email in emails],
        ignore_conflicts=True,
    )
    contacts = {one.email: one for one in Contact.objects.filter(email__in=emails)}
    places = [
        NetworkContact(
            network=network,
            contact=contacts[one.email],
            position=position,
            score=one.score,
            roles=list(one.roles),
            flags=sorted(one.flags),
            source=one.source if one.source != "rdap" else source,
            entity_handle=one.entity_handle[:200],
            listed=True,
            last_seen_at=now,
        )
        for position, one in enumerate(listed)
    ]
    NetworkContact.objects.bulk_create(
        places,
        update_conflicts=True,
        unique_fields=["network", "contact"],
        update_fields=[
            "position", "score", "roles", "flags", "source", "entity_handle", "listed",
            "last_seen_at",
        ],
    )  # fmt: skip


def found_again(network: Network) -> Found | None:
    """The answer behind a row, as the client gave it; None once the document is purged."""
    if network.document_gz is None:
        return None
    body = gzip.decompress(network.document_gz)
    document = registry.parse(body)
    answer = rdap.Answer(
        url=network.url,
        final_url=network.url,
        chain=tuple(network.chain),
        status=200,
        body=body,
        sha256=network.sha256,
        document=document,
        read_at=network.read_at,
    )
    return Found(answer, registry.read(document))


def with_contacts(found: Found, more: tuple[ContactFacts, ...]) -> Found:
    """``found`` with the contacts of its entities, which the network's own record left out."""
    known = {one.email for one in found.facts.contacts}
    added = [replace(one, source="rdap_entity") for one in more if one.email not in known]
    writable = any(one.may_be_written_to for one in added)
    flags = found.facts.flags - ({Flag.NO_CONTACT} if writable else frozenset())
    facts: NetworkFacts = replace(
        found.facts, contacts=(*found.facts.contacts, *added), flags=frozenset(flags)
    )
    return replace(found, facts=facts)
