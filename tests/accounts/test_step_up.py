"""An act that asks for a fresh proof: permission first, then the factor; what was typed is sent again by hand only."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.utils import timezone

from accounts import checks, conf, gate, policies, signin, stepping_up
from accounts.models import ExternalIdentity, IdentityProvider, Membership, Role, RoleGrant, User
from accounts.session_store import SessionStore
from accounts.stepping_up import step_up
from accounts.views import stepping_up as pages
from audit.models import Event
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people
from tests.factories.security_keys import add_key
from verso import urls

GRANT = "/admin/accounts/rolegrant/add/"
done: list[dict[str, str]] = []


@gate.signed_in
def act_view(request: HttpRequest) -> HttpResponse:
    """An act of another floor: it only marks itself."""
    done.append({**request.POST.dict(), **{name: upload.name for name, upload in request.FILES.items()}})
    return HttpResponse("done")


urlpatterns = [*urls.urlpatterns]
for name in ("plain", "once", "key", "why", "read", "weak", "owners"):
    urlpatterns.append(path(f"try/{name}/", step_up(f"test.{name}")(lambda r: act_view(r))))
    urlpatterns[-1].callback.gate = gate.Mark.SIGNED_IN
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@pytest.fixture(autouse=True)
def acts(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A map with one act of each kind."""
    done.clear()
    monkeypatch.setattr(stepping_up, "_acts", dict(stepping_up._acts))
    monkeypatch.setattr(stepping_up, "_covering", dict(stepping_up._covering))
    monkeypatch.setattr(stepping_up, "_providers", {})
    stepping_up.protect("test.plain", "try it", minutes=5)
    stepping_up.protect("test.once", "try it once", one_shot=True)
    stepping_up.protect("test.key", "try it with a key", resists_phishing=True)
    stepping_up.protect("test.why", "try it and say why", needs_reason=True)
    stepping_up.protect("test.read", "read it", also_reading=True)
    stepping_up.protect("test.weak", "try it weakly", level=policies.ONE_FACTOR)
    stepping_up.protect("test.owners", "try it as an owner", permission="accounts.change_securitypolicy")
    with override_settings(ROOT_URLCONF="tests.accounts.test_step_up"):
        yield


def grow_old(client: Client, by: timedelta = conf.FRESH) -> None:
    session = client.session
    people.grow_old(session, by.total_seconds() + 1)
    session.save()


def stale(user: User) -> Client:
    client = people.enter(user)
    grow_old(client)
    return client


def hidden(page, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1]


def confirm(client: Client, user: User, page, **more: str):
    """Show the authenticator on the page that asks."""
    body = {"act": hidden(page, "act"), "kept": hidden(page, "kept"), **more}
    return client.post("/account/verify/?by=app", {**body, "otp_token": code(user)})


def code(user: User) -> str:
    return people.code_for(people.Authenticator.objects.get(user=user))


# --- what asks -------------------------------------------------------------------------------------------------------
def test_a_fresh_session_is_not_asked(owner: User) -> None:
    assert people.enter(owner).post("/try/plain/", {"word": "x"}).text == "done"


def test_reading_is_not_asked_unless_the_act_is_reading(owner: User) -> None:
    client = stale(owner)
    assert client.get("/try/plain/").text == "done"
    assert client.get("/try/read/?page=2").url == "/account/verify/?act=test.read&next=%2Ftry%2Fread%2F%3Fpage%3D2"


def test_activity_keeps_nothing_fresh(owner: User) -> None:
    client = people.enter(owner)
    grow_old(client, timedelta(minutes=5))
    client.get("/account/")
    assert client.post("/try/plain/").status_code == 403
    assert done == []


def test_permission_is_asked_before_any_factor(manager: User) -> None:
    refused = stale(manager).post("/try/owners/")
    assert refused.status_code == 403
    assert "verify" not in refused.text
    assert not Event.objects.filter(action="accounts.step_up.asked").exists()


def test_programs_are_told_in_json(owner: User) -> None:
    refused = stale(owner).post("/try/plain/", headers={"accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "step_up")


# --- what was typed --------------------------------------------------------------------------------------------------
def test_a_stale_post_is_kept_and_sent_again_by_hand_only(owner: User) -> None:
    client = stale(owner)
    before = client.session.session_key
    asked = client.post("/try/plain/?x=1", {"word": "typed <b>", "many": ["1", "2"]})
    assert asked.status_code == 403
    again = confirm(client, owner, asked)
    assert done == []
    assert client.session.session_key != before
    assert re.findall(r'action="(/try[^"]*)"', again.text) == ["/try/plain/?x=1"]
    assert re.findall(r'name="(word|many)" value="([^"]*)"', again.text) == [
        ("word", "typed &lt;b&gt;"),
        ("many", "1"),
        ("many", "2"),
    ]
    assert client.post("/try/plain/?x=1", {"word": "typed <b>"}).text == "done"
    assert done == [{"word": "typed <b>"}]


def test_a_wrong_code_keeps_what_was_typed(owner: User) -> None:
    client = stale(owner)
    asked = client.post("/try/plain/", {"word": "typed"})
    body = {"act": "test.plain", "kept": hidden(asked, "kept"), "otp_token": "000000"}
    refused = client.post("/account/verify/", body)
    people.Authenticator.objects.update(throttling_failure_count=0, throttling_failure_timestamp=None)
    assert hidden(refused, "kept") == hidden(asked, "kept")
    assert "typed" in confirm(client, owner, refused).text


def test_secrets_and_files_are_asked_for_again(owner: User) -> None:
    client = stale(owner)
    upload = SimpleUploadedFile("logo.png", b"bytes of a file")
    asked = client.post("/try/plain/", {"word": "x", "new_password1": "hush hush hush", "logo": upload})
    kept = signing.loads(hidden(asked, "kept"), salt=pages.SALT)
    assert "hush" not in str(kept)
    assert (kept["secrets"], kept["files"]) == (["new_password1"], ["logo"])
    again = confirm(client, owner, asked).text
    assert '<input type="password" id="again-1" name="new_password1" autocomplete="off" required>' in again
    assert '<input type="file" id="file-1" name="logo" required>' in again
    assert "multipart/form-data" in again


def test_what_somebody_else_typed_or_forged_is_not_offered(owner: User, manager: User) -> None:
    theirs = hidden(stale(manager).post("/try/plain/", {"word": "x"}), "kept")
    for kept in (theirs, theirs[:-1], "forged"):
        client = stale(owner)
        people.Authenticator.objects.update(last_t=-1)
        answer = client.post("/account/verify/", {"act": "test.plain", "kept": kept, "otp_token": code(owner)})
        assert answer.status_code == 302


def test_what_is_too_much_is_not_kept_and_the_page_says_so(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_BYTES", 10)
    asked = stale(owner).post("/try/plain/", {"word": "x"})
    assert 'name="kept"' not in asked.text
    assert "too much to keep" in asked.text


# --- how strong ------------------------------------------------------------------------------------------------------
def test_a_proof_for_once_serves_once(owner: User) -> None:
    client = people.enter(owner)
    assert client.post("/try/once/").text == "done"
    assert client.post("/try/once/").status_code == 403
    assert client.post("/try/plain/").status_code == 403
    assert len(done) == 1


@pytest.mark.guarantee
@pytest.mark.redis
@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_spends_the_proof(owner: User) -> None:
    client = people.enter(owner)

    def post() -> int:
        other = Client(headers={"host": "testserver"})
        other.cookies = client.cookies
        return int(other.post("/try/once/").status_code)

    assert together([post] * 6).count(200) == 1


def test_a_code_is_not_enough_where_phishing_must_fail(owner: User) -> None:
    client = people.enter(owner)
    key = add_key(owner)
    client = people.enter(User.objects.get(pk=owner.pk))
    assert client.post("/try/key/").status_code == 403
    page = client.get("/account/verify/?act=test.key&by=app")
    assert (page.context["way"], page.context["other_ways"]) == ("key", [])
    answer = client.post("/account/verify/?act=test.key", {"answer": key.get(page.context["form"].options)})
    assert answer.status_code == 302
    assert client.post("/try/key/").text == "done"


def test_whoever_has_no_key_is_told_so(owner: User) -> None:
    refused = people.enter(owner).get("/account/verify/?act=test.key")
    assert refused.status_code == 403
    assert "security key or passkey of this site" in refused.text
    assert Event.objects.filter(action="accounts.step_up.denied", reason="test.key").exists()


def test_a_missing_reason_uses_no_code_up(owner: User) -> None:
    client = stale(owner)
    asked, shown = client.post("/try/why/", {"word": "x"}), code(owner)
    body = {"act": hidden(asked, "act"), "kept": hidden(asked, "kept"), "otp_token": shown}
    assert "reason" in client.post("/account/verify/?by=app", body).context["reason_form"].errors
    assert "Send it now" in client.post("/account/verify/?by=app", body | {"reason": "the phone rang"}).text


def test_a_reason_is_asked_and_written_down(owner: User) -> None:
    client = people.enter(owner)
    asked = client.post("/try/why/", {"word": "x"})
    without = confirm(client, owner, asked)
    assert "reason" in without.context["reason_form"].errors
    people.Authenticator.objects.update(last_t=-1)
    confirm(client, owner, asked, reason="the phone rang")
    assert client.post("/try/why/").text == "done"
    assert Event.objects.get(action="accounts.step_up.reasoned").reason == "the phone rang"


def test_without_any_factor_the_answer_is_no(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert client.post("/try/plain/").status_code == 403
    denied = client.get("/account/verify/?act=test.plain")
    assert denied.status_code == 403
    assert "you have none yet" in denied.text


def test_a_weak_act_takes_the_password_of_whoever_has_nothing_else(visitor: User) -> None:
    client = stale_weak(visitor)
    asked = client.post("/try/weak/", {"word": "x"})
    body = {"act": "test.weak", "kept": hidden(asked, "kept")}
    assert client.post("/account/verify/", {**body, "password": "wrong"}).context["form"].errors
    assert "/try/weak/" in client.post("/account/verify/", {**body, "password": people.PASSWORD}).text
    assert client.post("/try/weak/").text == "done"
    assert client.session[signin.STANDING]["level"] == policies.ONE_FACTOR


def test_right_passwords_are_no_guesses(visitor: User) -> None:
    client = stale_weak(visitor)
    for _ in range(7):
        answer = client.post("/account/verify/?next=/account/", {"act": "test.weak", "password": people.PASSWORD})
        assert answer.status_code == 302


def test_a_password_never_stands_in_for_a_factor(visitor: User) -> None:
    people.enrol(visitor)
    assert stale_weak(visitor).get("/account/verify/?act=test.weak").context["way"] == "app"


def stale_weak(user: User) -> Client:
    client = people.enter(user, level=1)
    grow_old(client)
    return client


# --- people of a provider --------------------------------------------------------------------------------------------
def test_people_of_a_provider_are_sent_there(visitor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    idp = IdentityProvider.objects.create(slug="acme", name="Acme", protocol="oidc", status="live")
    ExternalIdentity.objects.create(user=visitor, idp=idp, subject="s-1", linked_at=timezone.now())
    client = people.enter(visitor, level=1)
    session = client.session
    session[signin.STANDING] |= {"methods": ["idp", "idp-mfa"], "level": 2, "verified": 0}
    session.save()
    assert client.get("/account/verify/?act=test.plain").status_code == 403
    stepping_up.at_provider("oidc")(lambda request, at, next: HttpResponse(f"to {at.slug} and on to {next}"))
    assert client.get("/account/verify/?act=test.plain&next=/try/plain/").text == "to acme and on to /try/plain/"


@pytest.mark.parametrize("came_from", ["acme", "beta"])
def test_with_two_providers_it_is_the_one_the_session_came_from(visitor: User, came_from: str) -> None:
    """Through a second factor shown here and a change of password as well."""
    for slug in ("acme", "beta"):
        idp = IdentityProvider.objects.create(slug=slug, name=slug, protocol="oidc", status="live")
        ExternalIdentity.objects.create(user=visitor, idp=idp, subject="s-1", linked_at=timezone.now())
    stepping_up.at_provider("oidc")(lambda request, at, next: HttpResponse(f"to {at.slug}"))
    request = RequestFactory().get("/")
    request.user, request.session = visitor, SessionStore()
    idp = IdentityProvider.objects.get(slug=came_from)
    signin.finish(request, visitor, signin.Evidence(("idp",), idp=idp), at=timezone.now())
    for change in (
        lambda: signin.step_up(request, visitor, signin.Evidence(("totp",)), at=timezone.now()),
        lambda: signin.renew(request, visitor, at=timezone.now()),
    ):
        change()
        found = stepping_up.provider_of(request.session, visitor)
        assert found is not None
        assert found[0].slug == came_from
    ExternalIdentity.objects.filter(idp=idp).delete()  # and never the other one instead
    assert stepping_up.provider_of(request.session, visitor) is None


# --- the admin -------------------------------------------------------------------------------------------------------
def typed(visitor: User) -> dict[str, str]:
    member, role = Membership.objects.get(user=visitor), Role.objects.get(key="editor")
    return {"membership": str(member.pk), "role": str(role.pk), "reason": "she writes well"}


def test_saving_in_the_admin_asks_and_keeps_what_was_typed(owner: User, visitor: User) -> None:
    client = stale(owner)
    asked = client.post(GRANT, typed(visitor))
    assert asked.status_code == 403
    assert not RoleGrant.objects.filter(reason="she writes well").exists()
    again = confirm(client, owner, asked)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again.text))
    assert {name: fields[name] for name in typed(visitor)} == typed(visitor)
    assert client.post(GRANT, typed(visitor)).status_code == 302
    assert RoleGrant.objects.filter(reason="she writes well").exists()


def test_an_action_of_a_list_asks(owner: User, visitor: User) -> None:
    given = people.give(visitor, "editor")
    client = stale(owner)
    body = {"action": "revoke", "_selected_action": str(given.pk), "index": "0"}
    asked = client.post("/admin/accounts/rolegrant/", body)
    assert asked.status_code == 403
    assert "_selected_action" in confirm(client, owner, asked).text
    assert RoleGrant.objects.filter(pk=given.pk).exists()
    client.post("/admin/accounts/rolegrant/", body)
    assert not RoleGrant.objects.filter(pk=given.pk).exists()


def test_an_action_hidden_among_others_asks(owner: User, visitor: User) -> None:
    given = people.give(visitor, "editor")
    body = {"action": ["", "revoke"], "index": "1", "_selected_action": str(given.pk)}
    assert stale(owner).post("/admin/accounts/rolegrant/", body).status_code == 403


def test_whoever_may_not_give_roles_is_refused_without_being_asked(receptionist: User, visitor: User) -> None:
    refused = stale(receptionist).post(GRANT, typed(visitor))
    assert (refused.status_code, 'name="kept"' in refused.text) == (403, False)


def test_removing_a_factor_asks_and_uses_the_proof_up(enter: Callable[..., Client], visitor: User) -> None:
    client = enter(visitor)
    grow_old(client)
    assert client.post("/account/two_factor/authenticator/remove/").status_code == 403
    assert visitor.has_second_factor()


# --- the map ---------------------------------------------------------------------------------------------------------
def test_nothing_is_covered_twice() -> None:
    with pytest.raises(ValueError, match="covered by another act"):
        stepping_up.protect("test.other", "x", covers=("accounts.securitypolicy:*",))


def test_everything_the_house_must_ask_for_is_in_the_map() -> None:
    names = {act.name for act in stepping_up.acts()}
    assert names >= {
        "accounts.change_policy",
        "accounts.change_providers",
        "accounts.change_roles",
        "accounts.give_roles",
        "accounts.admit_members",
        "accounts.take_roles",
        "accounts.change_tokens",
        "accounts.end_sessions_of_others",
        "accounts.remove_factor",
        "accounts.change_email",
        "accounts.impersonate",
        "accounts.hand_out_rights",
        "verso.change_timetable",
    }


def test_whatever_is_sent_to_a_protected_model_asks() -> None:
    def of(name: str, *chosen: str) -> str:
        act = stepping_up.act_of(act_view, view_name=name, posted=True, chosen=chosen)
        return act.name if act else ""

    assert of("admin:accounts_securitypolicy_change") == "accounts.change_policy"
    assert of("admin:accounts_identityprovider_test_mode") == "accounts.change_providers"
    assert of("admin:accounts_authsession_changelist", "end") == "accounts.end_sessions_of_others"
    assert of("admin:accounts_membership_changelist", "end") == "accounts.change_members"
    assert of("admin:accounts_membership_changelist", "other") == ""
    assert of("scheduling:book") == ""


def test_an_act_that_covers_a_name_nobody_has_is_found() -> None:
    assert checks.acts_cover_what_exists(None) == []
    stepping_up.protect("test.nowhere", "x", covers=("accounts:nowhere", "accounts.rolegrant:nothing", "no.model:*"))
    assert [fault.id for fault in checks.acts_cover_what_exists(None)] == ["accounts.E023"] * 3


def test_a_mark_that_means_nothing_is_found_by_the_check_and_stays_closed(monkeypatch, owner: User) -> None:
    assert checks.marked_acts_are_in_the_map(None) == []
    monkeypatch.delitem(stepping_up._acts, "test.plain")
    assert [found.id for found in checks.marked_acts_are_in_the_map(None)] == ["accounts.E022"]
    with pytest.raises(stepping_up.UnknownAct):
        people.enter(owner).post("/try/plain/")


# --- a provider's word is one tenant's -------------------------------------------------------------------------------
def by_provider(user: User) -> Client:
    """Somebody a provider has just spoken for, with its second factor; they have a password of their own."""
    client = people.enter(user)
    session = client.session
    kept = {name: value for name, value in session[signin.STANDING].items() if name not in (signin.OWN, signin.SELF)}
    session[signin.STANDING] = kept | {"methods": ["idp", "idp-mfa"]}
    session.save()
    return client


@pytest.mark.parametrize(
    "address", ["/account/two_factor/setup/", "/account/two_factor/recovery/", "/account/two_factor/keys/add/"]
)
def test_no_provider_replaces_somebodys_own_factors(owner: User, address: str) -> None:
    client = by_provider(owner)
    for answer in (client.get(address), client.post(address)):
        assert answer.url.startswith("/account/verify/")


@pytest.mark.parametrize("address", ["/account/two_factor/authenticator/remove/", "/account/email/", "/account/close/"])
def test_no_provider_does_what_reaches_beyond_its_tenant(owner: User, address: str) -> None:
    assert by_provider(owner).post(address).status_code == 403


@pytest.mark.parametrize("address", ["/account/two_factor/setup/", "/account/two_factor/keys/add/"])
def test_a_first_factor_waits_for_ones_own_password(visitor: User, address: str) -> None:
    client = people.enter(visitor, level=1)
    session = client.session
    kept = {name: value for name, value in session[signin.STANDING].items() if name != signin.SELF}
    session[signin.STANDING] = kept | {"methods": ["idp"]}
    session.save()
    for answer in (client.get(address), client.post(address)):
        assert (answer.status_code, "Your own password first" in answer.text) == (403, True)
    assert not visitor.has_second_factor()


def test_a_password_alone_does_not_refresh_two_factors(owner: User) -> None:
    client = stale(owner)
    request = client.get("/account/").wsgi_request
    before = request.session[signin.STANDING]["verified"]
    signin.step_up(request, owner, signin.Evidence(("password",)), at=timezone.now())
    assert request.session[signin.STANDING]["verified"] == before


def test_each_cover_of_the_map_is_met_by_the_admin_page_it_names() -> None:
    for cover, act in stepping_up.covered().items():
        label, _colon, done = cover.partition(":")
        if "." in label:
            name = f"admin:{label.replace('.', '_')}_{'change' if done == '*' else done}"
            lists = f"admin:{label.replace('.', '_')}_changelist"
            met = [
                stepping_up.act_of(act_view, view_name=name, posted=True, chosen=()),
                stepping_up.act_of(act_view, view_name=lists, posted=True, chosen=[done]),
            ]
            assert act in met, cover
