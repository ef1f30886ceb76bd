"""Addresses a provider is told: `/sso/<idp>/…`."""

from django.urls import path

from accounts.views import saml

app_name = "sso"
urlpatterns = [
    path("<slug:slug>/saml/metadata/", saml.MetadataView.as_view(), name="saml_metadata"),
    path("<slug:slug>/saml/start/", saml.StartView.as_view(), name="saml_start"),
    path("<slug:slug>/saml/acs/", saml.AnswerView.as_view(), name="saml_acs"),
    path("<slug:slug>/saml/verified/", saml.verified, name="saml_verified"),
    path("<slug:slug>/saml/slo/", saml.LogoutView.as_view(), name="saml_slo"),
]
