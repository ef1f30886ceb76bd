"""What a password must be: long, and not one that others guess. No rules of composition (NIST SP 800-63B-4 §3.1.1).

Each is a validator of Django's, so every door asks the same: change, welcome, reset, sign-up, `create_owner`.
"""

import re
import unicodedata
from typing import Any

from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts import breaches, conf, security
from governance import tenancy


class LengthByFactor:
    """As long as the policy in force says, 15 at least; 8 with a second factor."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuses a shorter password."""
        minimum = _minimum(user)
        if len(password) < minimum:
            raise ValidationError(
                _("Choose at least %(minimum)d characters. A few unrelated words do well."),
                code="password_too_short",
                params={"minimum": minimum},
            )

    def get_help_text(self) -> str:
        """What the form says beforehand."""
        return _(
            "At least %(minimum)d characters, or %(with_factor)d with a second factor. A few unrelated words do well."
        ) % {"minimum": security.in_force().password_length, "with_factor": conf.PASSWORD_LENGTH_WITH_FACTOR}


def _minimum(user: Any) -> int:
    has_factor = user is not None and user.pk and not user._state.adding and user.has_second_factor()
    return conf.PASSWORD_LENGTH_WITH_FACTOR if has_factor else security.in_force().password_length


class NotOfThisPlace:
    """Nothing made of words anybody here knows: the tenant's name and hosts, one's own e-mail and name, "verso".

    Such words may stand in a password; what is left without them must still be eight letters and digits (ASVS 6.2.11).
    """

    left = 8

    def validate(self, password: str, user: Any = None) -> None:
        """Refuses a password that is little more than these words."""
        rest = _plain(password)
        for word in sorted(_words_of_this_place(user), key=len, reverse=True):
            rest = rest.replace(word, "")
        if len(rest) < min(self.left, len(_plain(password))):
            raise ValidationError(
                _("This is made of words others know: your name, your e-mail, this place. Choose other words."),
                code="password_of_this_place",
            )

    def get_help_text(self) -> str:
        """What the form says beforehand."""
        return _("Not your name, your e-mail or the name of this place.")


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text).casefold() if sign.isalnum())


def _words_of_this_place(user: Any) -> set[str]:
    texts = ["verso", getattr(user, "email", ""), getattr(user, "display_name", "")]
    if tenancy.current_id_or_none() is not None:
        tenant = tenancy.current()
        texts += [tenant.name, tenant.slug, *tenant.domains.values_list("host", flat=True)]
    parts = [part for text in texts for part in re.split(r"[^\w]|_", text)]
    return {word for word in map(_plain, [*texts, *parts]) if len(word) >= 4}


class NotCommon:
    """None of the passwords of the bundled list, nor one of them with digits around it or said twice."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuses a password everybody tries first."""
        if breaches.is_common(password):
            raise ValidationError(_("Many people use this password. Choose another."), code="password_too_common")

    def get_help_text(self) -> str:
        """What the form says beforehand."""
        return _("Not a password many people use.")


class NotEarlier:
    """Neither the present password nor one of the earlier ones the policy remembers.

    Every one remembered is compared, also after one was found: what the answer costs says nothing.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Refuses what was there before."""
        if user is None or user._state.adding:
            return
        remembered = user.earlier_passwords.values_list("password", flat=True)[: security.in_force().password_history]
        kept = [user.password] if user.has_usable_password() else []
        same = [check_password(password, encoded) for encoded in (*kept, *remembered)]
        if any(same):
            raise ValidationError(
                _("You have used this password here before. Choose another."), code="password_earlier"
            )

    def get_help_text(self) -> str:
        """What the form says beforehand."""
        return _("Not one you used here before.")


class NotBreached:
    """None that is known from a breach elsewhere. Where nobody can be asked, the bundled list has spoken already."""

    def validate(self, password: str, user: Any = None) -> None:
        """Refuses a password that attackers have in their lists."""
        if breaches.is_known(password):
            raise ValidationError(
                _("This password has appeared in a data breach elsewhere, so attackers try it. Choose another."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        """What the form says beforehand."""
        return _("Not one that is known from a data breach.")
