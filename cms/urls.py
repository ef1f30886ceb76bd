"""Addresses of the public site."""

from django.urls import path

from cms import views

app_name = "cms"
urlpatterns = [
    path("brand.css", views.brand_css, name="brand_css"),
    path("favicon.svg", views.favicon, name="favicon"),
    path("favicon.ico", views.favicon_ico, name="favicon_ico"),
]
