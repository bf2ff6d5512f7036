"""Publications and receipts at the desk; a held list is let out here."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.access import actor_of
from escalation.desk import ForAgents
from escalation.paging import UncountedPaginator
from listings import publishing
from listings.admin.rows import one_by_one
from listings.models import Publication, Receipt


class StandingFilter(admin.SimpleListFilter):
    """Publications that want a look."""

    title = gettext_lazy("standing")
    parameter_name = "is"

    def lookups(
        self, request: HttpRequest, model_admin: admin.ModelAdmin[Any]
    ) -> Iterable[tuple[str, Any]]:
        return [("held", _("held")), ("published", _("published"))]

    def queryset(
        self, request: HttpRequest, queryset: "QuerySet[Publication]"
    ) -> "QuerySet[Publication]":
        if self.value() == "held":
            return queryset & Publication.objects.held()
        if self.value() == "published":
            return queryset & Publication.objects.published()
        return queryset


class ReceiptInline(ForAgents, admin.TabularInline[Receipt, Publication]):
    model = Receipt
    fields = readonly_fields = ("sink", "read_at", "proof")
    extra = 0

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Receipt]":
        return super().get_queryset(request).select_related("sink")


@admin.register(Publication)
class PublicationAdmin(ForAgents, admin.ModelAdmin[Publication]):
    list_display = ("serial", "standing", "n_prefixes", "asked_at", "published_at", "held_why")
    list_filter = (StandingFilter,)
    list_per_page = 50
    ordering = ("-serial",)
    paginator = UncountedPaginator
    show_full_result_count = False
    inlines = (ReceiptInline,)
    actions = ("release_held",)
    fields = (
        "serial", "standing", "asked_at", "n_listings", "n_prefixes", "sha256", "published_at",
        "held_at", "held_why", "released_at", "released_by", "release_note",
    )  # fmt: skip
    readonly_fields = ("standing",)

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, publication: Publication) -> str:
        return str(publication.standing)

    @admin.action(
        description=gettext_lazy("Release the held list: publish it all the same"),
        permissions=["act"],
    )
    def release_held(self, request: HttpRequest, queryset: "QuerySet[Publication]") -> None:
        def release(publication: Publication) -> None:
            publishing.release(publication, actor=actor_of(request))

        one_by_one(self, request, queryset, release, _("released"))


@admin.register(Receipt)
class ReceiptAdmin(ForAgents, admin.ModelAdmin[Receipt]):
    list_display = ("sink", "publication", "read_at", "proof")
    list_select_related = ("sink", "publication")
    list_per_page = 50
    ordering = ("-pk",)
    paginator = UncountedPaginator
    show_full_result_count = False
    fields = ("sink", "publication", "read_at", "proof")
