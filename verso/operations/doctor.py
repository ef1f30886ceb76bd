"""Is this installation well? Everything health asks, and what only an operator may know. Changes nothing."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import get_connection
from django.db import connection
from django.utils import timezone

from accounts import breaches, guesses, saml
from accounts import conf as accounts_conf
from accounts.models import IdentityProvider, RoleGrant
from audit import outbox
from governance import grants, providers, rls, tenancy
from verso.operations import heartbeats
from verso.operations.health import READINESS, Answer, Question

TOO_LONG = timedelta(minutes=5)


def configuration() -> Answer:
    """No system check complains."""
    errors = [message for message in checks.run_checks() if message.is_serious() and not message.is_silenced()]
    if errors:
        return Answer(False, "; ".join(f"{error.id}: {error.msg} {error.hint or ''}".strip() for error in errors))
    return Answer(True, "no system check complains")


def roles() -> Answer:
    """The web's database role is fenced: it owns no table and cannot pass row-level security by."""
    if connection.vendor != "postgresql":
        return Answer(True, "SQLite has no roles: tenants are kept apart by the first wall alone")
    wrong = [*rls.missing(), *grants.faults()]
    if not wrong:
        return Answer(True, "the web's role is fenced")
    told = f"{'; '.join(wrong[:3])}{' …' if len(wrong) > 3 else ''}; run: manage.py database_roles"
    return Answer(False, told)


def keys() -> Answer:
    """The key-encryption key opens what it has closed, and nobody else can read it."""
    provider, place = providers.current(), {"subject": "doctor", "purpose": "doctor"}
    sample = uuid4().bytes * 2
    if provider.unwrap(provider.wrap(sample, place).blob, place) != sample:
        return Answer(False, "the key provider does not open what it closed")
    return Answer(True, f"the {provider.name} provider opens what it closed")


def clockwork() -> Answer:
    """Beat, queue and worker live."""
    seen = heartbeats.last()
    if seen is None:
        return Answer(False, "no heartbeat yet; start worker and beat: make worker, make beat")
    age = timezone.now() - seen
    if age > heartbeats.LATE:
        return Answer(False, f"the last heartbeat is {_ago(age)} old; is beat running, is a worker running?")
    return Answer(True, f"beat and worker were seen {_ago(age)} ago")


def break_glass() -> Answer:
    """Nobody is an owner by break-glass at this moment."""
    now = timezone.now()
    with tenancy.across():
        source = RoleGrant.Source.BREAK_GLASS
        grants = RoleGrant.across_tenants.filter(source=source, expires_at__gt=now).select_related("tenant")
        found = [f"{given.tenant.slug} for {_ago(given.expires_at - now)} more" for given in grants if given.expires_at]
    return Answer(False, f"in force: {'; '.join(found)}") if found else Answer(True, "nobody has broken the glass")


def messages() -> Answer:
    """What is due in the outbox gets out."""
    now = timezone.now()
    with tenancy.across():
        backlog = outbox.backlog(at=now)
    dead = f"{backlog.parked} dead letters wait for staff" if backlog.parked else "no dead letters"
    if backlog.oldest_due_at and now - backlog.oldest_due_at > TOO_LONG:
        waited = _ago(now - backlog.oldest_due_at)
        return Answer(False, f"{backlog.due} messages are due, the oldest for {waited}; {dead}")
    return Answer(True, f"{backlog.due} messages are due, {backlog.waiting} wait in all; {dead}")


def mail() -> Answer:
    """The mail server answers."""
    backend = get_connection(fail_silently=False)
    name = type(backend).__module__.rpartition(".")[2]
    if name != "smtp":
        return Answer(True, f"mails are not sent but kept here ({name}); set EMAIL_URL to send them")
    backend.open()
    backend.close()
    return Answer(True, "the mail server answers")


def passwords() -> Answer:
    """Passwords known from breaches are found out."""
    if not breaches.is_asked():
        return Answer(True, "only the bundled list of common passwords is asked; set HIBP_URL to ask about breaches")
    if breaches.is_known("password") is None:
        return Answer(False, "the range service at HIBP_URL does not answer; the bundled list speaks alone meanwhile")
    return Answer(True, "the range service at HIBP_URL answers")


def single_sign_on() -> Answer:
    """Providers in use can be believed: SAML needs xmlsec1 on this server."""
    with tenancy.across():
        by_saml = IdentityProvider.across_tenants.filter(protocol=IdentityProvider.Protocol.SAML)
        live = by_saml.filter(status=IdentityProvider.Status.LIVE).count()
    if live and not saml.is_installed():
        return Answer(False, f"{live} providers in use speak SAML and xmlsec1 is missing; run: apt install xmlsec1")
    return Answer(True, f"{live} providers in use speak SAML" if live else "no provider in use speaks SAML")


def lockouts() -> Answer:
    """Nobody guesses at passwords in earnest."""
    number = guesses.lockouts()
    told = f"{number} accounts or addresses ran out of guesses in about an hour"
    return Answer(number < accounts_conf.MANY_LOCKOUTS, f"{told}; see docs/operating/lockouts.md" if number else told)


def files() -> Answer:
    """What is stored can be read again and removed."""
    for alias in ("default", "private"):
        storage, words = storages[alias], uuid4().hex.encode()
        name = storage.save(f"doctor/{uuid4().hex}", ContentFile(words))
        with storage.open(name) as kept:
            same = kept.read() == words
        storage.delete(name)
        if not same:
            return Answer(False, f"the {alias} storage gives back other bytes than it took")
    return Answer(True, "public and private storage keep what they are given")


def static_files() -> Answer:
    """Stylesheets and scripts are collected where the web server needs them collected."""
    if not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        return Answer(True, "served straight from the apps")
    if not Path(settings.STATIC_ROOT, staticfiles_storage.manifest_name).exists():
        return Answer(False, "not collected; run: manage.py collectstatic")
    return Answer(True, "collected")


QUESTIONS: dict[str, Question] = {
    **READINESS,
    "configuration": configuration,
    "roles": roles,
    "keys": keys,
    "clockwork": clockwork,
    "break_glass": break_glass,
    "messages": messages,
    "mail": mail,
    "passwords": passwords,
    "single_sign_on": single_sign_on,
    "lockouts": lockouts,
    "files": files,
    "static": static_files,
}


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    if seconds < 120:
        return f"{seconds} seconds"
    return f"{seconds // 60} minutes" if seconds < 7200 else f"{seconds // 3600} hours"
