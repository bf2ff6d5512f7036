"""Routes of the tenant's pages."""

from django.urls import path

from abuse import tenant_views as views

app_name = "junk"
urlpatterns = [
    path("", views.junk_list, name="list"),
    path("<int:pk>/", views.incident, name="incident"),
    path("<int:pk>/step/", views.step, name="step"),
    path("reports/<int:pk>/", views.report, name="report"),
    path("reports/<int:pk>/copy.eml", views.copy, name="copy"),
    path("loops/", views.subscribe, name="loops"),
    path("loops/<int:pk>/end/", views.end_loop, name="end_loop"),
]
