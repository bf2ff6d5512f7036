"""Routes of the guide and the diagnosis."""

from django.urls import path

from guide import diagnosis_views, views

app_name = "guide"
urlpatterns = [
    path("diagnosis/", diagnosis_views.diagnosis, name="diagnosis"),
    path("diagnosis/live/", diagnosis_views.live, name="live"),
    path("diagnosis/refer/", diagnosis_views.refer, name="refer"),
    path("guide/", views.contents, name="contents"),
    path("guide/search/", views.search, name="search"),
    path("guide/codes/", views.codes_list, name="codes"),
    path("guide/codes/<str:slug>/", views.code, name="code"),
    path("guide/<slug:slug>/", views.page, name="page"),
]
