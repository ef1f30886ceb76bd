"""Puts our site in the place of Django's admin site, for third-party registrations too."""

from django.contrib.admin.apps import AdminConfig


class VersoAdminConfig(AdminConfig):
    """`django.contrib.admin` with our site. In a module of its own, since importing the site imports models."""

    default_site = "accounts.admin_site.VersoAdminSite"
