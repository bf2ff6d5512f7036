"""What the tables of the abuse desk share: of any size, looked at by agents, edited by few."""

from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from customers.models import Tenant
from escalation.desk import ForAgents
from escalation.paging import UncountedPaginator

Row = TypeVar("Row", bound=Model)


class Table(ForAgents, admin.ModelAdmin[Row]):
    """Newest first, a page at a time, and never counted to the end."""

    list_per_page = 50
    ordering = ["-pk"]
    paginator = UncountedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count the whole table


class OperatorsTable(Table[Row]):
    """Agents look, superusers add and change.  A moment is one field, which browsers help with."""

    formfield_overrides = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        }
    }

    def has_add_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return bool(request.user.is_superuser) and self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, row: Any = None) -> bool:
        return self.has_add_permission(request)


def number(text: object) -> int:
    """A primary key as somebody typed it; 0 for what cannot be one."""
    plain = str(text).strip().lstrip("#")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 19 else 0


def tenants_like(term: str) -> QuerySet[Any, Any]:
    """Keys of tenants whose name begins with ``term``, or who have that domain."""
    named = Q(name__istartswith=term) | Q(domains__name=term.lower())
    return Tenant.objects.filter(named).order_by().values("pk")
