"""Every route on one screen; each app's own are in its ``urls.py``."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from escalation import views
from tickets import refer_views, transparency_views

handler400 = views.bad_request
urlpatterns = [
    path("desk/", admin.site.urls),
    path("account/", include("customers.urls")),  # first: closes some doors of allauth
    path("account/", include("allauth.urls")),
    path("report/", include("abuse.urls")),
    path("junk/", include("abuse.tenant_urls")),
    path("answer/", include("ownership.urls")),
    path("delist/", include("delisting.urls")),
    path("refer/<str:token>/", refer_views.refer, name="refer"),
    path("transparency/", transparency_views.page, name="transparency"),
    path("transparency.json", transparency_views.as_json, name="transparency_json"),
    path("feeds/", include("listings.urls")),
    path("mailbox/", include("mailroom.urls")),
    path("api/v1/", include("abuse.api_urls")),
    path("api/v1/", include("tickets.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("language/", views.language, name="language"),
    path("healthz/", views.healthz, name="healthz"),
    path("healthz/jobs/", views.healthz_jobs, name="healthz_jobs"),
    path("", include("guide.urls")),
    path("", include("tickets.urls")),
]
