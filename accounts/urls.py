"""Addresses of coming in. Each one is listed by hand: no package brings addresses of its own."""

from django.urls import path

from accounts.views import (
    account,
    bots,
    factors,
    keys,
    passwords,
    providers,
    seeing_as,
    sessions,
    signing_in,
    tokens,
    verifying,
)

app_name = "accounts"
urlpatterns = [
    path("", account.home, name="home"),
    path("login/", signing_in.LoginView.as_view(), name="login"),
    path("logout/", signing_in.logout, name="logout"),
    path("challenge/", bots.challenge, name="challenge"),
    path("verify/", verifying.verify, name="verify"),
    path("password/", passwords.password, name="password"),
    path("welcome/<str:uid>/<str:token>/", passwords.welcome, name="welcome"),
    path("two_factor/", factors.overview, name="factors"),
    path("two_factor/setup/", factors.SetupView.as_view(), name="setup"),
    path("two_factor/qrcode/", factors.QRView.as_view(), name="qr"),
    path("two_factor/recovery/", factors.recovery, name="recovery"),
    path("two_factor/authenticator/remove/", factors.authenticator_remove, name="authenticator_remove"),
    path("two_factor/keys/add/", keys.add, name="key_add"),
    path("two_factor/keys/<uuid:key_id>/rename/", keys.rename, name="key_rename"),
    path("two_factor/keys/<uuid:key_id>/remove/", keys.remove, name="key_remove"),
    path("sessions/", sessions.index, name="sessions"),
    path("sessions/end-others/", sessions.end_others, name="end_other_sessions"),
    path("sessions/<uuid:pk>/end/", sessions.end, name="end_session"),
    path("providers/", providers.index, name="providers"),
    path("providers/<uuid:idp>/connect/", providers.connect, name="provider_connect"),
    path("providers/<uuid:idp>/connected/", providers.connected, name="provider_connected"),
    path("providers/<uuid:identity>/disconnect/", providers.disconnect, name="provider_disconnect"),
    path("tokens/", tokens.own, name="tokens"),
    path("tokens/<uuid:token>/revoke/", tokens.revoke, name="revoke_token"),
    path("api/me/", tokens.me, name="api_me"),
    path("seen-as/stop/", seeing_as.stop, name="stop_seeing_as"),
]
