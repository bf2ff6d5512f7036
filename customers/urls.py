"""Routes of this app, under ``/account/``."""

from django.urls import path

from customers import schema, views

__all__ = ["app_name", "schema", "urlpatterns"]

app_name = "customers"
urlpatterns = [
    path("members/", views.members, name="members"),
    path("members/<int:pk>/role/", views.change_kind, name="change_kind"),
    path("members/<int:pk>/remove/", views.remove_member, name="remove_member"),
    path("members/invitations/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("keys/", views.keys, name="keys"),
    path("keys/<int:pk>/revoke/", views.revoke_key, name="revoke_key"),
    path("profile/", views.profile, name="profile"),
    path("tenant/", views.tenant, name="tenant"),
    path("invitation/", views.invitation, name="invitation"),
    path("invitation/<str:token>/", views.open_invitation, name="open_invitation"),
    # Doors of allauth that stay shut: accounts come by invitation, addresses by the operator.
    *(
        path(closed, views.closed)
        for closed in ("signup/", "email/", "confirm-email/", "confirm-email/<str:key>/",
                       "password/set/", "login/code/confirm/")
    ),
]  # fmt: skip
