"""Addresses of coming in. Each one is listed by hand: no package brings addresses of its own."""

from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.home, name="home"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", views.logout, name="logout"),
    path("verify/", views.verify, name="verify"),
    path("password/", views.password, name="password"),
    path("welcome/<str:uid>/<str:token>/", views.welcome, name="welcome"),
    path("two_factor/setup/", views.SetupView.as_view(), name="setup"),
    path("two_factor/qrcode/", views.QRView.as_view(), name="qr"),
    path("two_factor/recovery/", views.recovery, name="recovery"),
]
