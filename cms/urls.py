"""Addresses of the public site."""

from django.contrib.sitemaps.views import sitemap
from django.urls import path
from django.views.decorators.http import require_safe

from accounts import gate
from cms.sitemaps import PageSitemap
from cms.views import contact, files, pages, reading

app_name = "cms"
urlpatterns = [
    path("", pages.home, name="home"),
    path("contact/", contact.contact, name="contact"),
    path("contact/thanks/", contact.thanks, name="thanks"),
    path("privacy/", pages.privacy, name="privacy"),
    path("brand.css", files.brand_css, name="brand_css"),
    path("logo", files.logo, name="logo"),
    path("favicon.svg", files.favicon, name="favicon"),
    path("favicon.ico", files.favicon_ico, name="favicon_ico"),
    path("robots.txt", files.robots, name="robots"),
    path("sitemap.xml", gate.public(require_safe(sitemap)), {"sitemaps": {"pages": PageSitemap}}, name="sitemap"),
    path(".well-known/security.txt", files.security_txt, name="security_txt"),
    path("blog/", reading.blog, name="blog"),
    path("blog/<slug:slug>/", reading.post, name="post"),
    path("<path:path>/", reading.page, name="page"),
]
