"""The owner's page: a link opens it, and only a button on it acts."""

from contextlib import suppress
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from escalation.errors import Refused
from escalation.unseen import unseen, with_form
from mailroom.tokens import digest
from ownership import actions, emails, queries
from ownership.forms import AnswerForm
from ownership.lifecycle import OPEN, State
from ownership.models import Answer, Inquiry, Request, RequestLetter, Rung

IN_SESSION: Final = "answer"


@unseen
@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address at once, as Django's password reset does."""
    digested = digest(token)
    if not RequestLetter.objects.filter(token_digest=digested).exists():
        return unknown(request)
    request.session[IN_SESSION] = digested
    return redirect("answer:question")


@unseen
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def question(request: HttpRequest) -> HttpResponse:
    letter = letter_of(request)
    if letter is None:
        return unknown(request)
    if page := page_instead(request, letter):
        return redirect("answer:question") if request.method == "POST" else page
    if is_about_another(request, letter):
        messages.warning(request, _("You have opened another link since: nothing was sent yet."))
        return redirect("answer:question")
    asked = actions.asked_prefixes(letter.request)
    form = AnswerForm(request.POST or None, asked=asked, network=letter.request.network)
    if request.method == "POST" and form.is_valid():
        try:
            actions.record_answer(letter, form.given())
        except actions.NotOpen:
            return redirect("answer:question")  # which now shows what was answered
        except Refused as refusal:
            form.add_error(refusal.field or None, refusal.message)
        else:
            return redirect("answer:question")
    return with_form(render(request, "ownership/question.html", shown(letter, form)))


@unseen
@csrf_protect
@require_POST
def stop(request: HttpRequest) -> HttpResponse:
    letter = letter_of(request)
    if letter is None:
        return unknown(request)
    if page_instead(request, letter) is None and not is_about_another(request, letter):
        with suppress(actions.NotOpen):  # somebody else has just answered: the page shows it
            actions.record_answer(letter, actions.Given(Answer.Kind.STOP))
    return redirect("answer:question")


def letter_of(request: HttpRequest) -> RequestLetter | None:
    """The letter whose link this browser has opened last."""
    digested = request.session.get(IN_SESSION, "")
    found = RequestLetter.objects.filter(token_digest=digested) if digested else None
    related = "request__network", "request__contact", "request__answer", "request__forwarded_from"
    return found.select_related(*related).first() if found is not None else None


def is_about_another(request: HttpRequest, letter: RequestLetter) -> bool:
    """Whether the form was made for another link, which this browser had opened before."""
    return request.POST.get("letter", str(letter.pk)) != str(letter.pk)


def unknown(request: HttpRequest) -> HttpResponse:
    """The same for a link that never was and for one that we do not know any more."""
    return render(request, "ownership/unknown.html", status=404)


def page_instead(request: HttpRequest, letter: RequestLetter) -> HttpResponse | None:
    """The page for a link that takes no answer any more, None for one that does."""
    question = letter.request
    context = {"letter": letter, "question": question, "network": question.network}
    if letter.superseded_at is not None:
        return render(request, "ownership/superseded.html", context)
    if question.state == State.ANSWERED:
        answer = queries.answer_to(question)
        return render(request, "ownership/receipt.html", {**context, **told(answer)})
    if question.state not in OPEN or not actions.asked_prefixes(question):
        return render(request, "ownership/ended.html", context)
    if letter.expires_at <= timezone.now():
        return render(request, "ownership/ended.html", {**context, "expired": True})
    return None


def told(answer: Answer | None) -> dict[str, Any]:
    """What the receipt says."""
    return {
        "answer": answer,
        "waiting": answer is not None and answer.checked_at is None,
        "confirming": answer is not None and answer.kind in queries.CONFIRMING,
    }


def shown(letter: RequestLetter, form: AnswerForm) -> dict[str, Any]:
    """What the question page says: the evidence, and nothing of who asked."""
    question = letter.request
    inquiries = Inquiry.objects.filter(rungs__request=question).exclude(
        outcome=Inquiry.Outcome.CANCELLED
    )
    by_prefix = {inquiry.prefix: inquiry for inquiry in inquiries.order_by("first", "last", "pk")}
    return {
        "form": form,
        "letter": letter,
        "network": question.network,
        "email": question.contact.email,
        "seen": [emails.seen(inquiry) for inquiry in by_prefix.values()],
        "forwarder": question.forwarded_from,
        **reasons(question),
    }


def reasons(question: Request) -> dict[str, bool]:
    """Why this contact is asked, as far as the page says it."""
    why = set(question.rungs.values_list("why", flat=True))
    return {"by_hand": Rung.Why.BY_HAND in why, "is_notice": why == {Rung.Why.NOTICE}}
