"""What the entries of this app are called in the ledger."""

from django.utils.translation import gettext_lazy as _

from audit import wording

wording.name(
    {
        "governance.person.recorded": _("Person recorded"),
        "governance.person.corrected": _("Person's details corrected"),
        "governance.person.erased": _("Person erased"),
    }
)
