"""What fields are called on the desk, where their model does not say.

A field that many tables have is named once, here, in every language; a model
that wants another word gives its own ``verbose_name``.  No migration holds
these names, so that one can be changed without any.
"""

from collections.abc import Iterable

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

NAMES: dict[str, StrOrPromise] = {
    "agent": _("agent"),
    "answer": _("answer"),
    "attempts": _("attempts"),
    "asked_at": _("last asked about"),
    "bounced_until": _("refuses letters until"),
    "chain": _("redirects"),
    "changed_at": _("changed"),
    "claimed_at": _("taken"),
    "contact": _("contact"),
    "country": _("country"),
    "created_at": _("created"),
    "depth": _("times passed on"),
    "due_at": _("due"),
    "ended_at": _("ended"),
    "entity_handle": _("handle"),
    "event": _("step"),
    "expires_at": _("expires"),
    "family": _("IP version"),
    "first": _("first address"),
    "flags": _("marks"),
    "forwarded_from": _("passed on by"),
    "gone_serial": _("first serial without it"),
    "handle": _("handle"),
    "happened_at": _("when"),
    "inquiry": _("inquiry"),
    "is_person": _("a person’s own address"),
    "joined_at": _("joined"),
    "kind": _("kind"),
    "language": _("language"),
    "key": _("key"),
    "last": _("last address"),
    "last_error": _("last error"),
    "last_seen_at": _("last seen"),
    "level": _("level"),
    "link_key": _("key of the link"),
    "link_path": _("link"),
    "listed": _("in the registry"),
    "listing": _("listing"),
    "made_at": _("made"),
    "method": _("method"),
    "name": _("name"),
    "network": _("network"),
    "not_theirs_at": _("said that it is not theirs"),
    "note": _("note"),
    "nudge": _("wakes"),
    "opened_at": _("opened"),
    "org_handle": _("handle of the holder"),
    "organisation": _("holder"),
    "parent": _("parent network"),
    "parked_at": _("given up"),
    "position": _("rung"),
    "prefix": _("prefix"),
    "proof": _("proof"),
    "provenance": _("provenance"),
    "publication": _("publication"),
    "read_at": _("read at"),
    "registered_at": _("registered"),
    "registry": _("registry"),
    "release_note": _("why released"),
    "released_by": _("released by"),
    "reminded_at": _("reminded"),
    "revoked_by": _("revoked by"),
    "role": _("role"),
    "roles": _("roles"),
    "score": _("score"),
    "sent_at": _("sent"),
    "serial": _("serial"),
    "sha256": "SHA-256",
    "sink": _("sink"),
    "smtp_code": _("SMTP code"),
    "source": _("from"),
    "state": _("state"),
    "state_since": _("since"),
    "target": _("to state"),
    "tenant": _("tenant"),
    "tried_at": _("last tried"),
    "type": _("type"),
    "up_url": _("link to the parent network"),
    "url": "URL",
    "user": _("user"),
    "verified_at": _("proved"),
}

# Said by the libraries. Our catalogue comes before theirs, and these few read better in ours.
OF_LIBRARIES = (
    _("View %s"),
    _("Select %s to view"),
    _("Select %s to change"),
    _(" By %(filter_title)s "),
    _("Enter a valid email address."),
    _("Forgot your password?"),
    _("Please type your current password."),
    _("Too many failed login attempts. Try again later."),
)


def name_fields(models: Iterable[type[Model]]) -> None:
    """Give each field that has no name in every language yet the one that people read."""
    for model in models:
        for field in model._meta.fields:
            if not isinstance(field.verbose_name, Promise) and field.name in NAMES:
                field.verbose_name = NAMES[field.name]
