"""Sinks at the desk: what serves the list, how far behind, its token and its hook."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalation.desk import ForAgents
from escalation.errors import TryAgainLater
from escalation.templatetags.postern import moment
from listings import publishing, queries
from listings.models import Fetch, Publication, Sink
from listings.sinks import KINDS, endpoints, fetched, push

DEFAULT_PORT = 53


class SinkForm(forms.ModelForm[Sink]):
    """A sink of a kind that there is code for, with a hook that the operator has put there."""

    kind = forms.ChoiceField(
        label=gettext_lazy("kind"), choices=[(kind, kind) for kind in sorted(KINDS)]
    )
    push = forms.ChoiceField(
        label=gettext_lazy("push"),
        required=False,
        help_text=gettext_lazy("A file of POSTERN_PUSH_DIR, run after each publication."),
    )

    class Meta:
        model = Sink
        fields = (
            "name", "kind", "enabled", "server", "zone", "path", "push", "late_minutes", "is_open"
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "push" in self.fields:
            there = [*push.hooks(), *([self.instance.push] if self.instance.push else [])]
            choices = [("", "–"), *((name, name) for name in dict.fromkeys(there))]
            self.fields["push"] = forms.ChoiceField(
                label=self.fields["push"].label,
                help_text=self.fields["push"].help_text,
                choices=choices,
                required=False,
            )

    def clean_server(self) -> str:
        server: str = self.cleaned_data["server"].strip()
        if server:
            try:
                endpoints.parse(server, DEFAULT_PORT)
            except TryAgainLater as error:
                raise forms.ValidationError(
                    _("Write an address and a port: 127.0.0.1:53 or [2001:db8::53]:53.")
                ) from error
        return server

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        kind = KINDS.get(given.get("kind", ""))
        for name in kind.WANTS if kind else ():
            if name in self.fields and not given.get(name) and name not in self.errors:
                self.add_error(name, _("A sink of this kind needs it, or nothing proves it."))
        return given


class FetchInline(ForAgents, admin.TabularInline[Fetch, Sink]):
    """The request log: which serial it has fetched, and when."""

    model = Fetch
    fields = readonly_fields = ("serial", "held_at", "asked_at", "requests", "address")
    extra = 0
    ordering = ("-serial",)
    verbose_name_plural = gettext_lazy("Request log")


@admin.register(Sink)
class SinkAdmin(ForAgents, admin.ModelAdmin[Sink]):
    form = SinkForm
    list_display = (
        "name", "kind", "enabled", "serial", "behind", "asked", "trouble", "trouble_since"
    )  # fmt: skip
    inlines = (FetchInline,)
    actions = ("new_token",)
    readonly_fields = ("trouble", "trouble_since", "token_made_at")

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Sink]":
        latest = Fetch.objects.filter(sink=OuterRef("pk")).order_by("-asked_at")
        newest = Publication.objects.published().order_by("-serial")
        found: QuerySet[Sink] = queries.with_proved(super().get_queryset(request)).annotate(
            asked=Subquery(latest.values("asked_at")[:1]),
            newest=Subquery(newest.values("serial")[:1]),
        )
        return found

    def get_inlines(self, request: HttpRequest, obj: Sink | None) -> Any:
        return self.inlines if obj else ()

    def get_fields(self, request: HttpRequest, obj: Sink | None = None) -> Any:
        return (*SinkForm.Meta.fields, *(self.readonly_fields if obj else ()))

    @admin.display(description=gettext_lazy("proved serial"))
    def serial(self, sink: Any) -> str:
        return str(sink.proved or "–")

    @admin.display(description=gettext_lazy("serials behind"))
    def behind(self, sink: Any) -> str:
        if not sink.enabled or sink.newest is None:
            return "–"
        return str(max(sink.newest - (sink.proved or 0), 0))

    @admin.display(description=gettext_lazy("last asked"))
    def asked(self, sink: Any) -> Any:
        return moment(sink.asked, "short") if sink.asked else "–"

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser) and self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: Sink, form: Any, change: bool) -> None:
        """A sink that begins to serve needs a list, and a receipt of it."""
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            publishing.ask([])

    @admin.action(
        description=gettext_lazy("Make a new token: the old one ends"), permissions=["change"]
    )
    def new_token(self, request: HttpRequest, queryset: "QuerySet[Sink]") -> HttpResponse | None:
        """Shown on this page and never again; only its hash is kept."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose one sink."), messages.ERROR)
            return None
        sink = chosen[0]
        token = fetched.make_token(sink)
        self.log_change(request, sink, _("new token"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("New token of %s") % sink,
            "sink": sink,
            "token": token,
            "names": sorted(KINDS[sink.kind].FILES) if sink.kind in KINDS else [],
            "root": settings.POSTERN_URL,
        }
        response = TemplateResponse(request, "admin/listings/sink_token.html", context)
        response["Cache-Control"] = "no-store"
        return response
