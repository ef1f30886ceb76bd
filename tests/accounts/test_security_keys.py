"""Security keys: several, named; they answer for one host, one user, once; the last one demanded stays."""

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client, override_settings
from django.utils import timezone
from webauthn.helpers import bytes_to_base64url

from accounts import checks, conf, factors, policies, security, security_keys, signin
from accounts.models import SecurityKey, SecurityPolicy, Tenant, User
from audit.models import Event
from governance import tenancy
from tests.accounts.signing_in import LOGIN, is_in, password_step, token_step
from tests.accounts.test_one_time_codes import together
from tests.factories import accounts as people
from tests.factories.security_keys import HERE, PRESENT, SoftKey, add_key, row_of

ADD = "/account/two_factor/keys/add/"


def options(page) -> str:
    """What the page gives the browser."""
    return str(page.context["form"].options)


def key_step(client: Client, answer: str):
    return client.post(LOGIN, {"login_view-current_step": "key", "key-answer": answer})


def asked_at_sign_in(client: Client, user: User) -> str:
    return options(password_step(client, user.email))


def answer(user: User, key: SoftKey, **how) -> dict[str, str]:
    asked = security_keys.options_to_verify(user, place=HERE)
    return {"answer": key.get(asked.json, **how), "challenge": asked.challenge}


def demand(**demands) -> None:
    SecurityPolicy.objects.update_or_create(defaults=demands)
    security.forget()


def grow_old(client: Client) -> None:
    session = client.session
    people.grow_old(session, conf.FRESH.total_seconds() + 1)
    session["key_shown"] = session.get("key_shown", 0) - conf.FRESH.total_seconds() - 1
    session.save()


# --- enrolment -------------------------------------------------------------------------------------------------------
def test_a_receptionist_enrols_a_key_first_and_is_in(client: Client, receptionist: User) -> None:
    password_step(client, receptionist.email, query="?next=/admin/")
    key = SoftKey()
    before = client.session.session_key
    done = client.post(ADD, {"name": "blue key", "answer": key.create(options(client.get(ADD)))})
    assert len(re.findall(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}", done.text)) == 10
    assert is_in(client)
    assert client.session.session_key != before
    assert (row_of(key).user, row_of(key).name, row_of(key).rp_id) == (receptionist, "blue key", "testserver")
    assert client.session[signin.STANDING]["level"] == policies.RESISTS_PHISHING


def test_several_keys_each_with_a_name(enter: Callable[..., Client], owner: User) -> None:
    client, elsewhere = enter(owner), enter(owner)
    factors.make_recovery_codes(owner, at=timezone.now())
    for name in ("blue key", "red key"):
        assert client.post(ADD, {"name": name, "answer": SoftKey().create(options(client.get(ADD)))}).status_code == 302
    page = client.get("/account/two_factor/").text
    assert page.index("blue key") < page.index("red key")
    assert not is_in(elsewhere)


def test_no_key_beside_a_factor_that_was_not_just_shown(owner: User) -> None:
    """Stock: enrolment was guarded on GET only, and opened to one-factor sessions."""
    people.enrol(owner)
    for client in (people.enter(owner, level=1), people.enter(owner)):
        asked = security_keys.options_to_enrol(owner, place=HERE)
        grow_old(client)
        session = client.session
        session["key_challenge"] = ["enrol", str(owner.pk), asked.challenge, timezone.now().timestamp()]
        session.save()
        refused = client.post(ADD, {"name": "theirs", "answer": SoftKey().create(asked.json)})
        assert refused.url.startswith("/account/verify/")
        assert client.get(ADD).url.startswith("/account/verify/")
    assert not SecurityKey.objects.exists()


def test_the_verb_itself_refuses_a_key_beside_the_first_factor(owner: User) -> None:
    people.enrol(owner)
    asked, key = security_keys.options_to_enrol(owner, place=HERE), SoftKey()
    typed = {"name": "x", "answer": key.create(asked.json), "challenge": asked.challenge, "place": HERE}
    with pytest.raises(factors.AlreadyEnrolled):
        security_keys.enrol(owner, **typed, beside=False, at=timezone.now())


@pytest.mark.parametrize(
    "wrong", ["another origin", "another challenge", "nobody verified", "nonsense", "no json", "another host"]
)
def test_what_is_no_new_key(owner: User, wrong: str) -> None:
    asked, key, place = security_keys.options_to_enrol(owner, place=HERE), SoftKey(), HERE
    said, challenge = key.create(asked.json), asked.challenge
    if wrong == "another origin":
        said = key.create(asked.json, origin="http://testserver.evil.example")
    elif wrong == "another challenge":
        challenge = security_keys.options_to_enrol(owner, place=HERE).challenge
    elif wrong == "nobody verified":
        said = key.create(asked.json, flags=PRESENT)
    elif wrong == "another host":
        place = security_keys.Place("second.testserver", HERE.origin, "Second")
    else:
        said = "[1, {}]" if wrong == "nonsense" else "\0"
    with pytest.raises(security_keys.KeyNotTaken):
        security_keys.enrol(
            owner, name="x", answer=said, challenge=challenge, place=place, beside=True, at=timezone.now()
        )


def test_a_key_serves_one_user(owner: User, manager: User) -> None:
    key = add_key(owner)
    asked = security_keys.options_to_enrol(manager, place=HERE)
    typed = {"name": "x", "answer": key.create(asked.json), "challenge": asked.challenge, "place": HERE}
    with pytest.raises(security_keys.KeyNotTaken):
        security_keys.enrol(manager, **typed, beside=True, at=timezone.now())


def test_a_challenge_serves_one_enrolment(enter: Callable[..., Client], owner: User) -> None:
    client = enter(owner)
    factors.make_recovery_codes(owner, at=timezone.now())
    said = SoftKey().create(options(client.get(ADD)))
    assert client.post(ADD, {"name": "", "answer": said}).status_code == 422
    assert client.post(ADD, {"name": "blue", "answer": said}).status_code == 422
    assert not SecurityKey.objects.exists()


def test_no_keys_at_a_bare_address() -> None:
    assert not security_keys.Place.of("http://127.0.0.1:8000", name="Demo").can_hold_keys
    assert security_keys.Place.of("http://localhost:8000", name="Demo").can_hold_keys


# --- sign-in ---------------------------------------------------------------------------------------------------------
def test_password_then_key(client: Client, owner: User) -> None:
    key = add_key(owner)
    done = key_step(client, key.get(asked_at_sign_in(client, owner)))
    assert done.status_code == 302
    assert is_in(client)
    kept = client.session[signin.STANDING]
    assert (kept["level"], kept["methods"]) == (policies.RESISTS_PHISHING, ["password", "webauthn"])
    assert row_of(key).last_used_at
    assert "challenge" not in str(dict(client.session))


def test_whoever_has_both_may_use_either(client: Client, owner: User) -> None:
    add_key(owner)
    device = people.enrol(owner)
    page = password_step(client, owner.email)
    assert page.context["other_ways"] == {"token", "backup"}
    client.post(LOGIN, {"login_view-current_step": "key", "wizard_goto_step": "token"})
    assert token_step(client, people.code_for(device)).status_code == 302
    assert is_in(client)


def test_the_page_says_what_happens_without_scripts(client: Client, owner: User) -> None:
    add_key(owner)
    page = password_step(client, owner.email).text
    assert "Security keys work only where the page may run JavaScript" in page
    assert 'value="backup"' in page


def test_somebody_elses_key_does_not_open(client: Client, owner: User, manager: User) -> None:
    add_key(owner)
    theirs = add_key(manager)
    refused = key_step(client, theirs.get(asked_at_sign_in(client, owner)))
    assert refused.context["form"].errors["answer"] == ["This key did not answer as expected. Please try again."]
    assert not is_in(client)


def test_an_answer_serves_once(client: Client, owner: User) -> None:
    key = add_key(owner)
    said = key.get(asked_at_sign_in(client, owner))
    key_step(client, said)
    again = Client()
    asked_at_sign_in(again, owner)
    assert key_step(again, said).status_code == 200
    assert not is_in(again)


def test_an_answer_to_no_question_does_not_open(client: Client, owner: User) -> None:
    key = add_key(owner)
    asked = asked_at_sign_in(client, owner)
    key_step(client, "{}")  # spends the challenge
    assert key_step(client, key.get(asked)).status_code == 200
    assert not is_in(client)


def test_an_answer_that_comes_too_late_does_not_open(client: Client, owner: User) -> None:
    key = add_key(owner)
    asked = asked_at_sign_in(client, owner)
    session = client.session
    session["key_challenge"][3] -= conf.CEREMONY.total_seconds() + 1
    session.save()
    assert key_step(client, key.get(asked)).status_code == 200
    assert not is_in(client)


def test_a_copied_key_is_noticed(client: Client, owner: User) -> None:
    key = add_key(owner)
    thief = key.copy()
    security_keys.use(owner, **answer(owner, key), place=HERE, at=timezone.now())
    key_step(client, thief.get(asked_at_sign_in(client, owner)))
    assert not is_in(client)
    assert Event.objects.filter(action="accounts.factor.failed").latest("occurred_at").reason == "copied security key"


def test_a_passkey_that_never_counts_is_no_copy(owner: User) -> None:
    key = add_key(owner, counts=False)
    for _ in range(2):
        security_keys.use(owner, **answer(owner, key), place=HERE, at=timezone.now())


@pytest.mark.parametrize("how", [{"flags": PRESENT}, {"origin": "https://testserver"}])
def test_unverified_people_and_other_origins_are_refused(owner: User, how) -> None:
    key = add_key(owner)
    with pytest.raises(security_keys.NotThisKey):
        security_keys.use(owner, **answer(owner, key, **how), place=HERE, at=timezone.now())


def test_a_key_of_another_host_is_not_asked_here(client: Client, owner: User) -> None:
    add_key(owner, place=security_keys.Place("second.testserver", "http://second.testserver", "Second"))
    page = password_step(client, owner.email)
    assert "backup" in page.context["wizard"]["steps"].current
    assert not is_in(client)


@pytest.mark.guarantee
@pytest.mark.django_db(transaction=True)
def test_one_answer_lets_one_of_many_in(owner: User) -> None:
    said = answer(owner, add_key(owner, counts=False))

    def use() -> bool:
        with tenancy.within(Tenant.objects.get()):
            try:
                security_keys.use(owner, **said, place=HERE, at=timezone.now())
            except security_keys.NotThisKey:
                return False
        return True

    assert together([use] * 8).count(True) == 1


def test_verify_takes_a_key(owner: User) -> None:
    key = add_key(owner)
    client = people.enter(owner, level=1)
    before = client.session.session_key
    said = key.get(options(client.get("/account/verify/?next=/account/")))
    assert client.post("/account/verify/?next=/account/", {"answer": said}).url == "/account/"
    assert client.session.session_key != before
    assert is_in(client)


# --- managing them ---------------------------------------------------------------------------------------------------
def test_rename_and_remove(enter: Callable[..., Client], owner: User) -> None:
    client, key = enter(owner), row_of(add_key(owner))
    client = enter(User.objects.get(pk=owner.pk))
    assert client.post(f"/account/two_factor/keys/{key.pk}/rename/", {"name": "red key"}).status_code == 302
    assert "red key" in client.get("/account/two_factor/").text
    assert client.post(f"/account/two_factor/keys/{key.pk}/remove/").status_code == 302
    assert not SecurityKey.objects.exists()
    assert is_in(client)
    told = set(Event.objects.values_list("action", flat=True))
    assert {f"accounts.security_key.{done}" for done in ("enrolled", "renamed", "removed")} <= told


def test_nobody_touches_another_persons_key(enter: Callable[..., Client], owner: User, manager: User) -> None:
    key = row_of(add_key(manager))
    for act in ("rename", "remove"):
        assert enter(owner).post(f"/account/two_factor/keys/{key.pk}/{act}/", {"name": "x"}).status_code == 404
    assert SecurityKey.objects.get().name == "blue key"


def test_the_last_factor_demanded_stays(owner: User) -> None:
    key = row_of(add_key(owner))
    with pytest.raises(factors.StillNeeded):
        security_keys.remove(key, by=owner, at=timezone.now())
    people.enrol(owner)
    security_keys.remove(key, by=owner, at=timezone.now())
    with pytest.raises(factors.StillNeeded):
        factors.remove_authenticator(owner, at=timezone.now())


def test_a_factor_that_another_tenant_demands_stays(visitor: User, second_tenant: Tenant) -> None:
    with tenancy.within(second_tenant):
        people.Membership.objects.create(user=visitor)
        people.give(visitor, "manager")
    people.enrol(visitor)
    with pytest.raises(factors.StillNeeded):
        factors.remove_authenticator(visitor, at=timezone.now())


def test_a_visitor_may_do_without_and_the_codes_go_too(visitor: User) -> None:
    people.enrol(visitor)
    factors.make_recovery_codes(visitor, at=timezone.now())
    factors.remove_authenticator(visitor, at=timezone.now())
    assert not visitor.has_second_factor()
    assert factors.codes_left(visitor) == 0


def test_the_page_says_that_the_last_one_is_needed(enter: Callable[..., Client], owner: User) -> None:
    refused = enter(owner).post("/account/two_factor/authenticator/remove/")
    assert refused.status_code == 409
    assert "Add another first" in refused.text


# --- what the tenant demands -----------------------------------------------------------------------------------------
def test_staff_who_need_a_key_are_led_to_add_one(owner: User) -> None:
    client = people.enter(owner)
    assert is_in(client)
    demand(needs_security_key=True)
    assert client.get("/admin/").url == "/account/two_factor/setup/?next=/admin/"
    assert client.get("/account/two_factor/setup/?next=/admin/").url == f"{ADD}?next=%2Fadmin%2F"
    client.post(f"{ADD}?next=/admin/", {"name": "blue", "answer": SoftKey().create(options(client.get(ADD)))})
    assert is_in(client)


def test_whoever_needs_a_key_is_not_let_in_by_a_code(client: Client, owner: User) -> None:
    demand(needs_security_key=True)
    key, device = add_key(owner), people.enrol(owner)
    password_step(client, owner.email)
    client.post(LOGIN, {"login_view-current_step": "key", "wizard_goto_step": "token"})
    token_step(client, people.code_for(device))
    assert client.get("/admin/").url == "/account/verify/?next=/admin/"
    page = client.get("/account/verify/?next=/admin/&by=app")
    assert (page.context["way"], page.context["other_ways"]) == ("key", [])
    assert client.post("/account/verify/?next=/admin/", {"answer": key.get(options(page))}).url == "/admin/"
    assert is_in(client)


def test_the_last_key_stays_where_keys_are_demanded(owner: User) -> None:
    key = row_of(add_key(owner))
    people.enrol(owner)
    demand(needs_security_key=True)
    policies.forget(owner)
    with pytest.raises(factors.StillNeeded):
        security_keys.remove(key, by=owner, at=timezone.now())


def test_everybody_may_have_to_show_two(visitor: User) -> None:
    client = people.enter(visitor, level=1)
    assert client.get("/account/").status_code == 200
    demand(second_factor="everybody")
    assert client.get("/account/").url.startswith("/account/two_factor/setup/")


# --- settings --------------------------------------------------------------------------------------------------------
def test_no_host_of_the_settings_binds_everybodys_keys() -> None:
    assert checks.keys_are_bound_to_the_tenants_host(None) == []
    with override_settings(TWO_FACTOR_WEBAUTHN_RP_ID="demo.example"):
        assert [found.id for found in checks.keys_are_bound_to_the_tenants_host(None)] == ["accounts.E020"]
    with override_settings(PRODUCTION=True, SITE_SCHEME="http"):
        assert [found.id for found in checks.keys_are_asked_for_over_tls(None)] == ["accounts.E021"]


def test_nothing_of_a_ceremony_is_left_behind(client: Client, owner: User) -> None:
    key = add_key(owner)
    asked = asked_at_sign_in(client, owner)
    key_step(client, key.get(asked))
    challenge = str(json.loads(asked)["challenge"])
    row = row_of(key)
    assert challenge not in "".join(str(value) for value in row.__dict__.values())
    assert challenge not in str(dict(client.session))
    assert bytes_to_base64url(key.credential_id) == row.credential_id
