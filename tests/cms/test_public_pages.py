"""What anybody may read, and how it answers."""

import io
import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts import tenants
from accounts.models import Tenant
from cms.views import errors
from governance import tenancy

PAGES = ("/", "/privacy/", "/contact/", "/contact/thanks/")


@pytest.mark.parametrize("path", PAGES)
def test_pages_carry_no_inline_script_style_or_foreign_source(client: Client, tenant: Tenant, path: str) -> None:
    html = client.get(path).content.decode()
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|nonce=", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', html)


@pytest.mark.parametrize("path", ["/", "/privacy/", "/contact/thanks/", "/robots.txt", "/nothing/"])
def test_reading_sets_no_cookie_and_is_the_same_for_everybody(client: Client, tenant: Tenant, path: str) -> None:
    first, second = client.get(path), Client().get(path)
    assert not first.cookies
    assert first.content == second.content
    if first["Content-Type"].startswith("text/html"):
        assert {"Accept-Language", "Cookie"} <= {name.strip() for name in first["Vary"].split(",")}


def test_the_browser_is_asked_for_its_language(client: Client, tenant: Tenant) -> None:
    spanish = client.get("/", headers={"accept-language": "fr, es-AR;q=0.8, en;q=0.5"})
    assert (spanish["Content-Language"], '<html lang="es"' in spanish.content.decode()) == ("es", True)


def test_a_language_chosen_is_remembered_and_wins(client: Client, tenant: Tenant) -> None:
    chosen = client.get("/?lang=es")
    assert (chosen["Content-Language"], chosen.cookies["language"].value) == ("es", "es")
    assert client.get("/privacy/", headers={"accept-language": "en"})["Content-Language"] == "es"


def test_whoever_wishes_for_nothing_we_speak_hears_the_tenants_language(client: Client, tenant: Tenant) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(locale="es")
    tenancy.forget()
    assert client.get("/", headers={"accept-language": "fr"})["Content-Language"] == "es"


@pytest.mark.parametrize("nonsense", ["xx", "../../etc", "a" * 500, "\x00", "es;q=", "🦜"])
def test_a_language_nobody_speaks_is_passed_over(client: Client, tenant: Tenant, nonsense: str) -> None:
    answer = client.get("/", {"lang": nonsense}, headers={"accept-language": nonsense.encode().decode("latin-1")})
    assert (answer.status_code, answer["Content-Language"], dict(answer.cookies)) == (200, "en", {})


def test_colours_and_icon_are_immutable_under_their_version(client: Client, tenant: Tenant) -> None:
    html = client.get("/").content.decode()
    for address in (re.search(r'"(/brand\.css\?v=\w+)"', html), re.search(r'"(/favicon\.svg\?v=\w+)"', html)):
        assert address
        drawn = client.get(address[1])
        assert drawn["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Vary" not in drawn
        again = client.get(address[1], headers={"if-none-match": drawn["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert client.get(address[1].partition("?")[0])["Cache-Control"] == "public, max-age=300"


def test_a_tenants_colours_are_its_own(client: Client, tenant: Tenant, second_tenant: Tenant) -> None:
    Tenant.objects.filter(pk=second_tenant.pk).update(brand_colour="#123456")
    assert "--brand:#1f6f5c" in client.get("/brand.css").content.decode()
    theirs = client.get("/brand.css", headers={"host": "second.testserver"}).content.decode()
    assert "--brand:#123456" in theirs


def test_a_logo_takes_the_wordmarks_place(client: Client, tenant: Tenant) -> None:
    assert client.get("/logo").status_code == 404
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "#1f6f5c").save(picture, "PNG")
    with_logo = Tenant.objects.get(pk=tenant.pk)
    tenants.describe(with_logo, logo=SimpleUploadedFile("Our Logo.PNG", picture.getvalue()), by=None, at=timezone.now())
    html = client.get("/").content.decode()
    address = re.search(r'<img class="wordmark__logo" src="([^"]+)" alt="Demo">', html)
    assert address
    shown = client.get(address[1])
    assert (shown.status_code, shown["Content-Type"], shown.content) == (200, "image/png", picture.getvalue())
    assert "immutable" in shown["Cache-Control"]
    with_logo.logo.storage.delete(with_logo.logo.name)
    assert client.get(address[1]).status_code == 404


def test_crawlers_and_researchers_find_their_way(client: Client, tenant: Tenant) -> None:
    assert client.get("/robots.txt").content.decode().splitlines()[-1] == "Sitemap: http://testserver/sitemap.xml"
    places = re.findall(r"<loc>([^<]+)</loc>", client.get("/sitemap.xml").content.decode())
    assert "http://testserver/contact/" in places
    assert all(place.startswith("http://testserver/") for place in places)
    said = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").content.decode().splitlines())
    assert said["Canonical"] == "http://testserver/.well-known/security.txt"
    assert timezone.now() < datetime.fromisoformat(said["Expires"]) < timezone.now() + timedelta(days=365)


def test_an_unknown_page_helps_on_and_speaks_json_where_asked(client: Client, tenant: Tenant) -> None:
    page = client.get("/nothing/here/")
    assert (page.status_code, "There is no page here" in page.content.decode()) == (404, True)
    for answer in (client.get("/nothing.json"), client.get("/nothing/", headers={"accept": "application/json"})):
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
        body = json.loads(answer.content)
        assert (body["error"]["code"], body["error"]["fields"]) == ("not_found", {})


def test_an_unknown_host_sees_nothing_of_anybody(client: Client, tenant: Tenant) -> None:
    answer = client.get("/", headers={"host": "nobody.example"})
    assert answer.status_code == 404
    assert tenant.name not in answer.content.decode()


def test_a_broken_page_is_branded_without_asking_the_database(
    tenant: Tenant, django_assert_num_queries: Any, rf: Any
) -> None:
    with django_assert_num_queries(0):
        page = errors.server_error(rf.get("/"))
        spoken = errors.server_error(rf.get("/openings.json"))
    assert (page.status_code, 'href="/brand.css"' in page.content.decode()) == (500, True)
    assert json.loads(spoken.content)["error"]["code"] == "server_error"


@pytest.mark.parametrize("method", ["post", "put", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/", "/brand.css", "/robots.txt", "/sitemap.xml", "/favicon.ico"])
def test_no_method_breaks_a_page(client: Client, tenant: Tenant, path: str, method: str) -> None:
    assert getattr(client, method)(path).status_code in (200, 302, 403, 405)
