"""The life of an incident: reports about one tenant's mail, of one class.

``open`` while reports are counted, ``warned`` and ``asked`` as the thresholds say, ``restricted``
while the operator's hook keeps the tenant from sending.  Nothing happens by itself on reports
that nothing proves: the guards count the others alone.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from abuse import guards
from escalation.actors import Role
from escalation.lifecycle import Lifecycle, Transition


class State(TextChoices):
    OPEN = "open", _("Open")
    WARNED = "warned", _("Warned")
    ASKED = "asked", _("Statement awaited")
    ANSWERED = "answered", _("Statement given")
    RESTRICTED = "restricted", _("Restricted")
    RESOLVED = "resolved", _("Resolved")
    DISMISSED = "dismissed", _("Dismissed")


class Event(TextChoices):
    WARN = "warn", _("Warn the tenant")
    ASK = "ask", _("Ask for a statement")
    ANSWER = "answer", _("Give a statement")
    RESTRICT = "restrict", _("Restrict")
    APPEAL = "appeal", _("Appeal")
    UPHOLD = "uphold", _("Uphold the restriction")
    RELEASE = "release", _("Lift the restriction")
    RESOLVE = "resolve", _("Resolve")
    DISMISS = "dismiss", _("Dismiss")
    REOPEN = "reopen", _("Open again")


S, E = State, Event
TENANT = frozenset({Role.ADMIN})
STAFF, AGENT = frozenset({Role.AGENT, Role.DESK}), frozenset({Role.AGENT})
OPEN = frozenset({S.OPEN, S.WARNED, S.ASKED, S.ANSWERED, S.RESTRICTED})
UNRESTRICTED = frozenset({S.OPEN, S.WARNED, S.ASKED, S.ANSWERED})
# Steps whose note is written for the tenant; every other note of the desk stays at the desk.
TELLS_TENANT = frozenset({E.ASK, E.RESTRICT, E.UPHOLD, E.RELEASE})

# fmt: off
INCIDENT = Lifecycle(
    name="incident", states=State, events=Event, initial=S.OPEN,
    final=frozenset({S.RESOLVED, S.DISMISSED}),
    transitions=(
        Transition(E.WARN, frozenset({S.OPEN}), S.WARNED, STAFF,
                   guard=guards.warning_is_due),
        Transition(E.ASK, frozenset({S.OPEN, S.WARNED, S.ANSWERED}), S.ASKED, STAFF,
                   guard=guards.statement_is_due),
        Transition(E.ANSWER, frozenset({S.WARNED, S.ASKED}), S.ANSWERED, TENANT,
                   needs_note=True),
        Transition(E.RESTRICT, UNRESTRICTED, S.RESTRICTED, STAFF,
                   guard=guards.restriction_is_due, nudges=("hooks",), needs_note=True),
        Transition(E.APPEAL, frozenset({S.RESTRICTED}), None, TENANT,
                   guard=guards.no_appeal_is_open, needs_note=True),
        Transition(E.UPHOLD, frozenset({S.RESTRICTED}), None, AGENT,
                   guard=guards.may_judge_appeal, needs_note=True),
        Transition(E.RELEASE, frozenset({S.RESTRICTED}), S.RESOLVED, AGENT,
                   guard=guards.may_release, nudges=("hooks",), needs_note=True),
        Transition(E.RESOLVE, UNRESTRICTED, S.RESOLVED, STAFF,
                   guard=guards.has_been_quiet, needs_note=True),
        Transition(E.DISMISS, UNRESTRICTED, S.DISMISSED, AGENT, needs_note=True),
        Transition(E.REOPEN, frozenset({S.RESOLVED, S.DISMISSED}), S.OPEN, AGENT,
                   guard=guards.no_other_is_open, needs_note=True),
    ),
)
# fmt: on
