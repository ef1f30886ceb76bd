"""Make an owner: prints a link, good once and for three days, where they choose their password."""

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from accounts import passwords, tenants
from accounts.models import User
from audit import ledger
from audit.management.base import OperatorCommand
from governance import tenancy


class Command(OperatorCommand):
    """Lets an owner into a tenant. They enrol their authenticator at the first sign-in."""

    help = "Let an owner into a tenant and print the link where they choose their password."
    needs_tenant = True

    def add_arguments(self, parser: CommandParser) -> None:
        """Who, and whether they operate the platform."""
        super().add_arguments(parser)
        parser.add_argument("email")
        parser.add_argument("--name", default="", help="As others read it; the e-mail when left out.")
        parser.add_argument("--operator", action="store_true", help="They also operate the platform: all tenants.")
        parser.add_argument("--ask-password", action="store_true", help="Type the password here instead of a link.")

    def act(self, **options: Any) -> dict[str, Any]:
        """Admit, through the verb; then the password or the link."""
        email, now = options["email"], timezone.now()
        typed = self._typed_password() if options["ask_password"] else ""
        with transaction.atomic():
            member = tenants.admit(
                email=email, name=options["name"] or email, role="owner", by=self.user, at=now, tell=False
            )
            if options["operator"]:
                User.objects.filter(pk=member.user_id).update(is_operator=True)
                ledger.record("accounts.operator.made", member.user, changes={"is_operator": [False, True]})
            if typed:
                passwords.change(member.user, new=typed, at=now)
        path = "/account/login/" if member.user.has_usable_password() else passwords.welcome_path(member.user)
        return {"email": member.user.email, "tenant": tenancy.current().slug, "link": tenancy.current().url(path)}

    def _typed_password(self) -> str:
        first, again = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != again:
            raise CommandError("The two passwords differ.")
        validate_password(first)
        return first
