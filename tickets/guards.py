"""What must be so before a case may take a step.

Each guard returns "" when nothing is in the way, else the reason in words that
say what would make the step possible.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from escalation import prefixes
from escalation.actors import Actor, Role
from listings import queries as listed
from ownership import queries as owners
from traffic import queries as logged
from traffic.queries import SinceThen

if TYPE_CHECKING:
    from tickets.models import Case, Entry

HIGHEST = 3
MOST_LOOKS = 3  # that one tenant may ask for about one case within a day


def has_offended_again(case: "Case", actor: Actor) -> str:
    """Listed again, or refused by a mail server though every sink had let go."""
    if listed.touches(case.network) or refused_since_delisting(case):
        return ""
    return _("%(prefix)s is not on our list, and no mail server has refused it since.") % {
        "prefix": case.shown_prefix
    }


def refused_since_delisting(case: "Case") -> SinceThen | None:
    """What the mail servers have refused since the case was delisted, out of their logs."""
    return logged.refused_since(case.network, case.state_since)


def is_not_listed(case: "Case", actor: Actor) -> str:
    """What was taken out here counts as gone only when every sink has let go."""
    if listed.touches(case.network):
        return _("%(prefix)s is on our list.") % {"prefix": case.shown_prefix}
    return "" if case.gone_serial is None else every_sink_let_go(case, actor)


def owner_has_agreed(case: "Case", actor: Actor) -> str:
    needed = level_needed(case)
    proved = owners.effective_level(case.network)
    if proved >= needed:
        return ""
    return _(
        "This case needs proof of level %(needed)d for %(prefix)s, and there is level %(proved)d. "
        "An answer of the registry's contact gives level 2."
    ) % {"needed": needed, "proved": proved, "prefix": case.shown_prefix}


def level_needed(case: "Case") -> int:
    """The proof level that the policy asks for; risk flags raise it to 3."""
    return case.inquiry.level_needed if case.inquiry else 2


def steps_since_review(case: "Case", event: str) -> "list[Entry]":
    since = case.entries.filter(target="in_review").exclude(source="in_review").last()
    after = since.pk if since else 0
    return list(case.entries.filter(event=event, pk__gt=after))


def is_nobodys_own(case: "Case", actor: Actor) -> str:
    """An agent who is also a member of a tenant does not decide that tenant's case."""
    if actor.user is None:
        return ""
    if case.tickets.filter(tenant__memberships__user=actor.user.pk).exists():
        return _("You belong to a customer who asks for this: another agent must decide.")
    return ""


def needs_two_agents(case: "Case") -> bool:
    """Whether the policy asks for two approvals: a wide prefix, or a listing made by hand."""
    by_hand = case.listing is not None and case.listing.needs_two_agents
    return by_hand or prefixes.needs_two_agents(case.network)


def first_approval_is_wanted(case: "Case", actor: Actor) -> str:
    if not needs_two_agents(case):
        return _("One approval is enough for this prefix.")
    if steps_since_review(case, "endorse"):
        return _("The first of two approvals is there: another agent can approve now.")
    return is_nobodys_own(case, actor) or _proof_or_judgement(case, actor)


def may_be_approved(case: "Case", actor: Actor) -> str:
    """Proof that covers the prefix, and for a wide one another agent's approval."""
    if reason := is_nobodys_own(case, actor) or _proof_or_judgement(case, actor):
        return reason
    if case.inquiry and case.inquiry.outcome in {"denied", "contradicted"} and not judged(case):
        return _("The owner's contacts say no, or disagree: ask again, or refuse.")
    if not needs_two_agents(case):
        return ""
    endorsed = steps_since_review(case, "endorse")
    if not endorsed:
        return _(
            "%(prefix)s needs two agents, being wide or listed by hand: approve it first, then "
            "another agent."
        ) % {"prefix": case.shown_prefix}
    if actor.user is not None and all(entry.user_id == actor.user.pk for entry in endorsed):
        return _("You gave the first approval: the second must come from another agent.")
    return ""


def _proof_or_judgement(case: "Case", actor: Actor) -> str:
    return "" if judged(case) else owner_has_agreed(case, actor)


def judged(case: "Case") -> bool:
    """Whether an agent has taken this case into review without the owner, since it was gathered."""
    judgement = case.entries.filter(event="judge").last()
    if judgement is None:
        return False
    return not case.entries.filter(pk__gt=judgement.pk, target="gathering").exists()


def another_agent_proposed(case: "Case", actor: Actor) -> str:
    proposed = case.entries.filter(event="propose_contact", happened_at__gte=case.state_since)
    last = proposed.last()
    if last is None:
        return _("No contact has been proposed: propose one, with where it comes from.")
    if actor.user is not None and last.user_id == actor.user.pk:
        return _("You proposed this contact: another agent must agree.")
    return ""


def is_level_two_agent(case: "Case", actor: Actor) -> str:
    if actor.level >= 2:
        return is_nobodys_own(case, actor)
    return _("Only an agent of level 2 or 3 may decide without the owner: escalate the case.")


def has_a_sender(case: "Case", actor: Actor) -> str:
    return has_a_ticket(case, actor)


def has_a_ticket(case: "Case", actor: Actor) -> str:
    if case.tickets.filter(ended_at=None).exists():
        return ""
    return _("No open ticket hangs on this case, so there is nobody to ask.")


def is_free_to_claim(case: "Case", actor: Actor) -> str:
    if case.agent is None:
        return ""
    if actor.user is not None and case.agent_id == actor.user.pk:
        return _("You have this case already.")
    if actor.level > case.agent.level:
        return ""
    return _("%(agent)s has this case; an agent of a higher level may take it over.") % {
        "agent": case.agent
    }


def is_claimed_by_me(case: "Case", actor: Actor) -> str:
    if actor.user is not None and case.agent_id == actor.user.pk:
        return ""
    return _("You do not have this case.")


def can_go_higher(case: "Case", actor: Actor) -> str:
    if case.level >= HIGHEST:
        return _("The case is at the highest level already.")
    if actor.role == Role.ADMIN and _escalated_at(case, actor):
        return _("You have escalated this case at this level already.")
    return ""


def _escalated_at(case: "Case", actor: Actor) -> bool:
    """A tenant may escalate once per level (the level that it rose from)."""
    mine = case.entries.filter(event="escalate", ticket__tenant_id=actor.tenant_id or 0)
    return mine.filter(number=case.level + 1).exists()


def nobody_else_waits(case: "Case", actor: Actor) -> str:
    """The last open ticket takes the case with it; before that only the ticket ends."""
    if case.tickets.filter(ended_at=None).exists():
        return _("Other tickets about it are open.")
    return ""


def has_not_insisted_lately(case: "Case", actor: Actor) -> str:
    """Each look ends with letters to others: a tenant may ask for so many, and no more."""
    if actor.tenant_id is None:
        return ""
    since = timezone.now() - timedelta(days=1)
    asked = case.entries.filter(event__in=["insist", "reopen"], happened_at__gt=since)
    if asked.filter(ticket__tenant_id=actor.tenant_id).count() < MOST_LOOKS:
        return ""
    return _("We have looked %d times within a day. Write to the desk, or try again tomorrow.") % (
        MOST_LOOKS
    )


def no_other_is_live(case: "Case", actor: Actor) -> str:
    other = type(case).objects.live().filter(prefix=case.prefix).exclude(pk=case.pk).first()
    if other is None:
        return has_not_insisted_lately(case, actor)
    if actor.tenant_id is not None:  # the newer one may be another tenant's: not a word of it
        return _("This case has ended for good: open a new ticket about %(prefix)s.") % {
            "prefix": case.shown_prefix
        }
    return _("A newer case about %(prefix)s is under way.") % {"prefix": case.shown_prefix}


def every_sink_let_go(case: "Case", actor: Actor) -> str:
    if case.gone_serial is None:
        return _("Nothing has been taken out yet.")
    missing = listed.sinks_waited_for(case.gone_serial)
    if not missing:
        return ""
    return _("Not proved yet by: %(sinks)s.") % {"sinks": "; ".join(missing)}
