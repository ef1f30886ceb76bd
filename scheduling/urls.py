"""Addresses of the visitor's side of scheduling."""

from django.urls import path

from scheduling import views

app_name = "scheduling"
urlpatterns = [
    path("services/", views.services, name="services"),
    path("book/", views.book, name="book"),
    path("book/<slug:slug>/", views.service, name="service"),
    path("book/<slug:slug>/openings.json", views.openings_json, name="openings_json"),
    path("book/<slug:slug>/details/", views.details, name="details"),
    path("b/<str:token>/", views.booking, name="booking"),
    path("b/<str:token>/cancel/", views.booking_cancel, name="booking_cancel"),
    path("b/<str:token>/reschedule/", views.booking_reschedule, name="booking_reschedule"),
    path("b/<str:token>/calendar.ics", views.booking_calendar, name="booking_calendar"),
]
