"""Every admin page of every tenant model: nothing of another tenant is listed, offered, found, opened or saved."""

import json
from typing import Any

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, reverse

from accounts.models import Tenant, User
from cms.models import ContactMessage
from governance import tenancy
from governance.admin import TenantAdmin
from governance.admin.tenant import choices_of
from governance.models import Person, TenantOwned
from scheduling.models import Appointment, Bookable, Service
from tests.factories.governance import AT, make_person
from tests.factories.scheduling import make_bookable, make_service, serve

pytestmark = pytest.mark.django_db
MARK = "Foreignmark"
PAGES = sorted(
    (page for model, page in admin.site._registry.items() if issubclass(model, TenantOwned)),
    key=lambda page: page.model._meta.label,
)


@pytest.fixture
def foreign(tenant: Tenant, second_tenant: Tenant) -> dict[str, Any]:
    """One row of many kinds in the other tenant, each called so that it would be recognised."""
    from uuid import uuid4

    with tenancy.within(second_tenant):
        person = make_person(f"{MARK} Person", email="foreignmark@example.org")
        service = make_service(second_tenant, name=f"{MARK} Service", slug="foreignmark")
        bookable = make_bookable(f"{MARK} Room", slug="foreignmark-room")
        message = ContactMessage.objects.create(
            person=person, subject=f"{MARK} subject", text=MARK, locale="en", received_at=AT, sent_once=uuid4()
        )
    return {"person": person, "service": service, "bookable": bookable, "message": message}


@pytest.fixture
def own(tenant: Tenant) -> Service:
    make_person("Own Person")
    service = make_service(tenant, name="Own Service", slug="own")
    serve(service, make_bookable("Own Room", slug="own-room"))
    return service


def address(page: Any, kind: str, *args: Any) -> str | None:
    options = page.model._meta
    try:
        return reverse(f"admin:{options.app_label}_{options.model_name}_{kind}", args=args)
    except NoReverseMatch:
        return None


def test_there_are_pages_to_speak_of() -> None:
    assert len(PAGES) >= 6
    assert all(isinstance(page, TenantAdmin) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=[page.model._meta.label for page in PAGES])
def test_no_page_shows_anything_of_another_tenant(
    enter: Any, owner: User, own: Service, foreign: dict[str, Any], page: Any
) -> None:
    client = enter(owner)
    addresses = [address(page, "changelist"), address(page, "add")]
    addresses += [address(page, "change", row.pk) for row in page.model.objects.all()[:1]]
    for found in filter(None, addresses):
        answer = client.get(found)
        assert answer.status_code in (200, 302, 403), found
        assert MARK not in answer.content.decode(), found
    listing = address(page, "changelist")
    if page.search_fields:
        echoed = client.get(listing, {"q": "foreignmark"}).content.decode()
        assert MARK not in echoed
    with tenancy.within(foreign["person"].tenant_id):
        theirs = page.model.objects.first()
    if theirs is not None:
        for kind in ("change", "history", "delete"):
            answer = client.get(address(page, kind, theirs.pk) or "/nowhere/", follow=True)
            assert MARK not in answer.content.decode(), kind


def test_autocomplete_offers_this_tenants_rows(enter: Any, owner: User, own: Service, foreign: dict[str, Any]) -> None:
    asked = {"app_label": "scheduling", "model_name": "servicebookable", "field_name": "bookable"}
    client = enter(owner)
    for term, expected in (("Room", {"Own Room"}), ("foreignmark", set())):
        answer = client.get(reverse("admin:autocomplete"), {**asked, "term": term})
        texts = {row["text"] for row in json.loads(answer.content)["results"]}
        assert {text for text in texts if "Room" in text} == expected, texts


def test_what_is_offered_is_limited_whatever_the_widget(own: Service, foreign: dict[str, Any], rf: Any) -> None:
    page = TenantAdmin(Appointment, admin.site)
    request = rf.get("/admin/")
    for name in ("service", "customer"):
        field = page.formfield_for_foreignkey(Appointment._meta.get_field(name), request)
        assert MARK not in {str(row) for row in field.queryset}
        assert not field.queryset.filter(tenant_id=foreign["person"].tenant_id).exists()
        with pytest.raises(Exception, match="valid choice"):
            field.clean(foreign["service"].pk if name == "service" else foreign["person"].pk)
    wider = page.formfield_for_foreignkey(
        Appointment._meta.get_field("service"), request, queryset=Service._base_manager.all()
    )
    assert set(wider.queryset) == set(Service.objects.all())


def test_users_of_other_tenants_are_not_offered(tenant: Tenant, owner: User, stranger: User) -> None:
    offered = choices_of(User)
    assert offered is not None and set(offered) == {owner}
    assert not choices_of(Tenant)
    assert choices_of(Bookable) is not None and choices_of(admin.models.LogEntry) is None
    assert issubclass(Person, TenantOwned)
