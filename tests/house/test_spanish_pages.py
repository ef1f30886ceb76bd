"""Read with a Spanish browser, no page, mail or refusal of the house says anything in English."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from email.message import Message

import pytest
from django.contrib.admin import site as admin_site
from django.core import mail
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.translation import trans_real

from accounts.models import Tenant, User
from audit import outbox
from cms.views import errors
from governance.models import Person
from scheduling import weeks
from scheduling.bookings import Booked, Customer
from scheduling.models import Appointment, Service
from tests.factories.cms import receive_message
from tests.factories.scheduling import make_booking, make_service, on
from tests.house import words

Enter = Callable[..., Client]
SPANISH = {"accept-language": "es"}
SAID_IN_BOTH = {
    "Error",
    "Editor",
    "Auditor",
    "no",
    "No",
    "host",
    "hosts",
    "min",
    "h",
    "Admin",
    "Total",
    "roles",
    "English",
    "en",
}
PUBLIC = ["/", "/services/", "/book/", "/book/masaje/", "/contact/", "/contact/thanks/", "/privacy/", "/account/login/"]


def english() -> set[str]:
    """Every sentence Django, its apps and the house know to say in Spanish, as they say it in English."""
    known = {key[0] if isinstance(key, tuple) else key: text for key, text in _spanish_catalogue().items()}
    return {
        " ".join(key.split("\x04")[-1].split()) for key, text in known.items() if key and text != key
    } - SAID_IN_BOTH


def _spanish_catalogue() -> dict[str | tuple[str, int], str]:
    return dict(trans_real.translation("es")._catalog.items())  # type: ignore[attr-defined]


def left_in_english(page: str) -> set[str]:
    """What of a page is an English sentence of a catalogue: whole pieces, and sentences filled with values."""
    pieces, wanted = words.visible(page), english()
    bare = {piece for piece in pieces if {piece, piece.rstrip(":"), piece[:1].lower() + piece[1:]} & wanted}
    filled = [re.compile(_filled(text)) for text in wanted if "%" in text and len(re.sub(r"%\S+", "", text)) > 5]
    return bare | {piece for piece in pieces if any(pattern.fullmatch(piece) for pattern in filled)}


def _filled(text: str) -> str:
    return "".join(
        ".+" if part.startswith("%") and part != "%%" else re.escape(part)
        for part in re.split(r"(%\(\w+\)[sd]|%[sd])", text)
    )


def assert_spanish(answer: object, status: int = 200) -> None:
    page = answer.content.decode()  # type: ignore[attr-defined]
    assert answer.status_code == status  # type: ignore[attr-defined]
    assert re.search(r'<html lang="es"', page)
    assert answer["Content-Language"] == "es"  # type: ignore[index]
    assert "Accept-Language" in answer["Vary"]  # type: ignore[index]
    assert left_in_english(page) == set()


@pytest.fixture
def service(tenant: Tenant) -> Service:
    """A Spanish tenant's service."""
    return make_service(tenant, slug="masaje", name="Masaje", summary="Una hora de calma")


@pytest.fixture
def day() -> date:
    """Three days from now."""
    return timezone.now().date() + timedelta(days=3)


@pytest.fixture
def booked(service: Service, day: date) -> Booked:
    """Vera, who reads Spanish, comes at ten in three days."""
    vera = Customer("Vera Visitor", "vera@visitor.example", "", "es")
    return make_booking(service, start=on(day, "10:00"), at=timezone.now(), customer=vera)


@pytest.fixture
def desk(owner: User, enter: Enter) -> Client:
    """The owner's browser, in Spanish."""
    owner.display_name = "Olga Olivar"
    owner.save()
    client = enter(owner)
    client.cookies["language"] = "es"
    return client


def test_the_hunt_finds_english() -> None:
    page = "<p>Choose a time.</p><p>Hello Ana,</p><p>Elija una hora.</p><b title='Sign in'>Entrar</b>"
    assert left_in_english(page) == {"Choose a time.", "Hello Ana,", "Sign in"}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_pages(client: Client, service: Service, address: str) -> None:
    assert_spanish(client.get(address, headers=SPANISH))


@pytest.mark.parametrize("address", PUBLIC)
def test_the_same_pages_in_english(client: Client, service: Service, address: str) -> None:
    answer = client.get(address, headers={"accept-language": "en"})
    assert (answer["Content-Language"], '<html lang="en"' in answer.content.decode()) == ("en", True)
    assert "Accept-Language" in answer["Vary"]


def test_a_week_without_free_times(client: Client, service: Service) -> None:
    service.links.all().delete()
    assert_spanish(client.get("/book/masaje/", headers=SPANISH))


def test_a_week_asked_for_wrongly(client: Client, service: Service) -> None:
    answer = client.get("/book/masaje/", {"from": "mañana", "tz": "Mars/Olympus", "with": "x"}, headers=SPANISH)
    assert_spanish(answer, answer.status_code)


def test_the_form_of_a_booking_and_what_it_refuses(client: Client, service: Service, day: date) -> None:
    start = weeks.value(on(day, "10:00"))
    client.cookies["language"] = "es"
    assert_spanish(client.get("/book/masaje/details/", {"start": start, "with": "any", "tz": "Europe/Madrid"}))
    answer = client.post(
        "/book/masaje/", {"start": start, "with": "any", "email": "no", "phone": "x", "timezone": "Mars"}
    )
    assert_spanish(answer, 422 if answer.status_code == 422 else 400)
    for wrong in ("2020-01-01T10:00Z", "2030-01-01T10:00Z", weeks.value(on(day, "10:01")), "nonsense"):
        typed = {"name": "Vera", "email": "vera@visitor.example", "timezone": "Europe/Madrid", "accept_terms": "on"}
        answer = client.post("/book/masaje/", {"start": wrong, "with": "any", **typed})
        assert answer.status_code in {400, 409, 422}
        assert_spanish(answer, answer.status_code)


def test_the_customers_own_pages(client: Client, booked: Booked) -> None:
    client.cookies["language"] = "es"
    for page in ("", "cancel/", "reschedule/"):
        assert_spanish(client.get(f"/b/{booked.token}/{page}"))
    client.post(f"/b/{booked.token}/cancel/", {"reason": "Otro día"})
    assert Appointment.objects.get().status == "cancelled"
    assert_spanish(client.get(f"/b/{booked.token}/"))


def test_a_message_that_is_not_complete(client: Client, tenant: Tenant) -> None:
    client.cookies["language"] = "es"
    answer = client.post("/contact/", {"email": "no"})
    assert answer.status_code in {400, 422}
    assert_spanish(answer, answer.status_code)


@pytest.mark.parametrize("address", ["/nowhere/", "/b/nonsense/", "/book/nothing/", "/admin/nothing/"])
def test_what_is_not_there(client: Client, tenant: Tenant, address: str) -> None:
    answer = client.get(address, headers=SPANISH, follow=True)
    assert_spanish(answer, answer.status_code)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 429, 500, 503])
def test_every_error_page(client: Client, tenant: Tenant, status: int, rf: RequestFactory) -> None:
    request = rf.get("/")
    with translation.override("es"):
        page = errors.page(request, status, retry_after=60).content.decode()
    assert left_in_english(page) == set()


def test_signing_in(client: Client, owner: User) -> None:
    client.cookies["language"] = "es"
    for typed in ({}, {"auth-username": owner.email, "auth-password": "wrong"}):
        answer = client.post("/account/login/", {"login_view-current_step": "auth", **typed})
        assert_spanish(answer, answer.status_code)


def test_signing_in_with_a_second_factor(owner: User, enter: Enter) -> None:
    owner.display_name = "Olga Olivar"
    owner.save()
    client = enter(owner, level=1)
    client.cookies["language"] = "es"
    for address in ("/account/", "/account/verify/", "/account/password/", "/account/two_factor/setup/"):
        answer = client.get(address, follow=True)
        assert_spanish(answer)
    for address in ("/account/verify/", "/account/password/"):
        answer = client.post(address, {})
        if answer.status_code != 302:
            assert_spanish(answer, answer.status_code)


def test_an_account_of_ones_own(desk: Client) -> None:
    for page in (
        "",
        "password/",
        "two_factor/setup/",
        "two_factor/recovery/",
        "profile/",
        "data/",
        "close/",
        "closed/",
    ):
        assert_spanish(desk.get(f"/account/{page}", follow=True))


def admin_addresses() -> list[str]:
    """The lists and forms of every model in the admin; what cannot be added has no form for it."""
    found = []
    for model, page in admin_site._registry.items():
        own = {getattr(url, "name", "") for url in page.urls}
        names = [f"{model._meta.app_label}_{model._meta.model_name}_{kind}" for kind in ("changelist", "add")]
        found += [reverse(f"admin:{name}") for name in names if name in own]
    return found


def test_the_back_office(desk: Client, booked: Booked) -> None:
    receive_message()
    found: dict[str, set[str]] = {}
    opened = 0
    for address in [reverse("admin:index"), *admin_addresses()]:
        answer = desk.get(address)
        if answer.status_code == 200:
            opened += 1
            found |= {address: left} if (left := left_in_english(answer.content.decode())) else {}
    assert opened > 15
    assert found == {}


def test_every_row_of_the_back_office(desk: Client, owner: User, booked: Booked) -> None:
    receive_message()
    found: dict[str, set[str]] = {}
    opened = 0
    for model in admin_site._registry:
        row = model._base_manager.first()
        if row is None:
            continue
        for page in ("change", "history", "delete"):
            try:
                address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=[row.pk])
            except NoReverseMatch:
                continue
            answer = desk.get(address)
            if answer.status_code == 200:
                opened += 1
                found |= {address: left} if (left := left_in_english(answer.content.decode())) else {}
    assert opened > 10
    assert found == {}


def test_the_desk(desk: Client, booked: Booked, service: Service) -> None:
    pages = ["calendar", "book"]
    for name in pages:
        assert_spanish(desk.get(reverse(f"admin:scheduling_appointment_{name}")))
    for view in ("day", "week"):
        assert_spanish(desk.get(reverse("admin:scheduling_appointment_calendar"), {"view": view}))
    book = reverse("admin:scheduling_appointment_book")
    assert_spanish(desk.get(book, {"service": service.slug}))
    for name in ("cancel", "reschedule"):
        assert_spanish(desk.get(reverse(f"admin:scheduling_appointment_{name}", args=[booked.appointment.pk])))


def test_mail_speaks_the_customers_language_whatever_the_tenants(tenant: Tenant, booked: Booked, day: date) -> None:
    assert (tenant.locale, Person.objects.get().locale) == ("en", "es")
    outbox.deliver(at=timezone.now())
    message = mail.outbox[-1]
    months = "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    spoken = f"{day.day} de {months.split()[day.month - 1]} de {day.year}"
    assert message.subject.startswith("Confirmada: Masaje · ")
    assert spoken in message.subject and spoken in message.body
    assert "Hola, Vera Visitor:" in message.body
    assert "Su cita está confirmada." in message.body
    html = str(next(part for part, kind in message.alternatives if kind == "text/html"))  # type: ignore[attr-defined]
    assert 'lang="es"' in html
    assert left_in_english(html) | left_in_english(message.body) == set()
    assert isinstance(message.message(), Message)
