"""Every address of Verso, composed from the apps."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from verso.operations import views as operations

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", operations.healthz, name="healthz"),
    path("readyz", operations.readyz, name="readyz"),
    path("metrics", operations.metrics, name="metrics"),
    path("admin/", admin.site.urls),
    path("account/", include("accounts.urls")),
    path("sso/", include("accounts.sso_urls")),
    path("", include("scheduling.urls")),
    path("", include("cms.urls")),
]

handler400 = "cms.views.errors.bad_request"
handler403 = "cms.views.errors.forbidden"
handler404 = "cms.views.errors.not_found"
handler500 = "cms.views.errors.server_error"
