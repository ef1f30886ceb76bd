"""What governance holds about people, and what audit holds, which stands below and cannot say so itself."""

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from governance.registry import Basis, Erase, Personal, Sensitivity, holds, holds_nothing

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

AS_LONG_AS_CUSTOMER = _("as long as the person is a customer; erased on request")
AS_LONG_AS_THE_LEDGER = _("as long as the ledger's retention rule says")


def _contact(category: str, purpose: "_StrPromise") -> Personal:
    return Personal(category, purpose, Basis.CONTRACT, AS_LONG_AS_CUSTOMER, Erase.KEY)


def _index(category: str) -> Personal:
    return Personal(
        category,
        _("to find the person without storing this in clear"),
        Basis.CONTRACT,
        AS_LONG_AS_CUSTOMER,
        Erase.OVERWRITE,
        export=False,
        sensitivity=Sensitivity.RESTRICTED,
    )


def _evidence(category: str, purpose: "_StrPromise", erase: Erase = Erase.KEEP, *, export: bool = True) -> Personal:
    return Personal(
        category, purpose, Basis.LEGITIMATE_INTERESTS, AS_LONG_AS_THE_LEDGER, erase, export, Sensitivity.RESTRICTED
    )


# --- governance ------------------------------------------------------------------------------------------------------
holds(
    "governance.Person",
    about="self",
    personal={
        "name": _contact("user.name", _("to know whom an appointment or message is with")),
        "email": _contact("user.contact.email", _("to confirm appointments and to answer")),
        "phone": _contact("user.contact.phone_number", _("to reach the person about an appointment")),
        "email_index": _index("user.contact.email"),
        "phone_index": _index("user.contact.phone_number"),
        "locale time_zone": Personal(
            "user.demographic.language",
            _("to write in the person's language and time"),
            Basis.CONTRACT,
            AS_LONG_AS_CUSTOMER,
            Erase.OVERWRITE,
        ),
    },
    nothing="id tenant wrapped_key key_generation created_at erased_at",
)
holds(
    "governance.NameToken",
    about="person",
    personal={
        "token": Personal(
            "user.name",
            _("so that staff find people by the beginning of their name"),
            Basis.LEGITIMATE_INTERESTS,
            AS_LONG_AS_CUSTOMER,
            Erase.DELETE,
            export=False,
            sensitivity=Sensitivity.RESTRICTED,
        )
    },
    nothing="id tenant person",
)
holds_nothing(
    "governance.TenantKey", "id tenant purpose generation wrapped provider provider_version created_at destroyed_at"
)
holds_nothing("governance.EraseEpoch", "id tenant value")

# --- audit -----------------------------------------------------------------------------------------------------------
holds(
    "audit.Event",
    about="",
    personal={
        "body": _evidence(
            "user", _("to prove what happened; personal values lie inside under the person's key"), Erase.KEY
        ),
        "actor_id": _evidence("user.unique_id", _("to prove who acted")),
        "object_id": _evidence("user.unique_id", _("to prove what was acted on")),
    },
    nothing="id uid tenant occurred_at action outcome reason actor_kind object_type request_id door mac key_id",
)
holds(
    "audit.EventPerson",
    about="person",
    personal={"person": _evidence("user.unique_id", _("to find the entries that concern a person"))},
    nothing="event_id",
)
holds(
    "audit.EventOrigin",
    about="",
    personal={
        "ip": _evidence("user.device.ip_address", _("to recognise attacks and misuse"), Erase.DELETE),
        "agent": _evidence("user.device", _("to recognise attacks and misuse"), Erase.DELETE),
    },
    nothing="event salt",
)
holds_nothing("audit.Pending", "event")
holds(
    "audit.LogEntry",
    about="",
    personal={
        "actor actor_email": _evidence("user.unique_id", _("to show staff who changed a setting"), Erase.DELETE),
        "remote_addr": _evidence("user.device.ip_address", _("to recognise misuse"), Erase.DELETE),
        "object_repr serialized_data changes changes_text additional_data": _evidence(
            "user.content", _("to show staff what changed in a setting; masked before it is stored"), Erase.DELETE
        ),
    },
    nothing="id tenant content_type object_pk object_id action cid remote_port timestamp",
)
holds(
    "audit.OutboxMessage",
    about="",
    personal={
        "about_id actor_id": _evidence("user.unique_id", _("to load what is to be told"), Erase.DELETE, export=False),
        "payload": _evidence("user.unique_id", _("ids and plain facts the message needs"), Erase.DELETE, export=False),
    },
    nothing="id tenant kind about_type key state posted_at due_at finished_at attempts leased_until claim error "
    "actor_kind request_id trace_id",
)
