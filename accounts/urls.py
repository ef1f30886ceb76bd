"""Addresses of coming in. Each one is listed by hand: no package brings addresses of its own."""

from django.urls import path

from accounts.views import (
    account,
    bots,
    emails,
    factors,
    keys,
    passwords,
    resetting,
    seeing_as,
    sessions,
    signing_in,
    signing_up,
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
    path("signup/", signing_up.SignUpView.as_view(), name="signup"),
    path("signup/confirm/", signing_up.SignUpConfirmView.as_view(), name="signup_confirm"),
    path("password/", passwords.password, name="password"),
    path("password/reset/", resetting.ResetView.as_view(), name="password_reset"),
    path("password/reset/confirm/", resetting.ResetConfirmView.as_view(), name="password_reset_confirm"),
    path("password/reset/choose/", resetting.ChooseView.as_view(), name="password_reset_choose"),
    path("email/", emails.email, name="email"),
    path("email/confirm/", emails.EmailConfirmView.as_view(), name="email_confirm"),
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
    path("tokens/", tokens.own, name="tokens"),
    path("tokens/<uuid:token>/revoke/", tokens.revoke, name="revoke_token"),
    path("api/me/", tokens.me, name="api_me"),
    path("seen-as/stop/", seeing_as.stop, name="stop_seeing_as"),
]
