"""Addresses of coming in. Each one is listed by hand: no package brings addresses of its own."""

from django.urls import path

from accounts.views import account, factors, oidc, passwords, signing_in

app_name = "accounts"
urlpatterns = [
    path("", account.home, name="home"),
    path("login/", signing_in.LoginView.as_view(), name="login"),
    path("logout/", signing_in.logout, name="logout"),
    path("verify/", factors.verify, name="verify"),
    path("password/", passwords.password, name="password"),
    path("welcome/<str:uid>/<str:token>/", passwords.welcome, name="welcome"),
    path("two_factor/setup/", factors.SetupView.as_view(), name="setup"),
    path("two_factor/qrcode/", factors.QRView.as_view(), name="qr"),
    path("two_factor/recovery/", factors.recovery, name="recovery"),
]

# Under /sso/: what identity providers are given.
sso_urlpatterns = [
    path("<slug:idp>/oidc/start/", oidc.start, name="oidc_start"),
    path("<slug:idp>/oidc/callback/", oidc.callback, name="oidc_callback"),
    path("<slug:idp>/oidc/again/", oidc.again, name="oidc_again"),
    path("<slug:idp>/oidc/verified/", oidc.verified, name="oidc_verified"),
    path("<slug:idp>/oidc/sign-out/", oidc.sign_out, name="oidc_sign_out"),
    path("<slug:idp>/oidc/backchannel-logout/", oidc.backchannel_logout, name="oidc_backchannel_logout"),
]
