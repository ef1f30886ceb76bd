"""Addresses a provider is told: `/sso/<idp>/…`."""

from django.urls import path

from accounts.views import oidc, saml

app_name = "sso"
urlpatterns = [
    path("<slug:idp>/oidc/start/", oidc.start, name="oidc_start"),
    path("<slug:idp>/oidc/callback/", oidc.callback, name="oidc_callback"),
    path("<slug:idp>/oidc/again/", oidc.again, name="oidc_again"),
    path("<slug:idp>/oidc/connect/", oidc.connect, name="oidc_connect"),
    path("<slug:idp>/oidc/verified/", oidc.verified, name="oidc_verified"),
    path("<slug:idp>/oidc/sign-out/", oidc.sign_out, name="oidc_sign_out"),
    path("<slug:idp>/oidc/backchannel-logout/", oidc.backchannel_logout, name="oidc_backchannel_logout"),
    path("<slug:slug>/saml/metadata/", saml.MetadataView.as_view(), name="saml_metadata"),
    path("<slug:slug>/saml/start/", saml.StartView.as_view(), name="saml_start"),
    path("<slug:slug>/saml/acs/", saml.AnswerView.as_view(), name="saml_acs"),
    path("<slug:slug>/saml/verified/", saml.verified, name="saml_verified"),
    path("<slug:slug>/saml/sign-out/", saml.sign_out, name="saml_sign_out"),
    path("<slug:slug>/saml/slo/", saml.LogoutView.as_view(), name="saml_slo"),
]
