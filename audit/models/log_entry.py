"""django-auditlog's log entry, scrubbed: a convenience that may be purged. The ledger is the record."""

from typing import Any
from uuid import UUID

from auditlog.models import AbstractLogEntry, LogEntryManager
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils.translation import gettext_lazy as _

from audit import context

MASK = "•••"


class ScrubbingManager(LogEntryManager):
    """Writes entries without names: ids stand for objects, masks are whole, actor and address are ours."""

    def log_create(self, instance: models.Model, force_log: bool = False, **kwargs: Any) -> Any:
        """An entry for a created, changed or deleted row."""
        return super().log_create(instance, force_log, **{**kwargs, **_scrubbed(instance)})

    def log_m2m_changes(
        self, changed_queryset: Any, instance: models.Model, operation: str, field_name: str, **kwargs: Any
    ) -> Any:
        """An entry for rows joined to or parted from another, named by their ids only."""
        keys = sorted(str(key) for key in changed_queryset.values_list("pk", flat=True))
        if not keys:
            return None
        kwargs.update(
            _scrubbed(instance),
            content_type=ContentType.objects.get_for_model(instance),
            object_pk=self._get_pk_value(instance),
            action=self.model.Action.UPDATE,
            changes={field_name: {"type": "m2m", "operation": operation, "objects": keys}},
            cid=context.current_request_id() or None,
        )
        return self.create(**kwargs)


def _scrubbed(instance: models.Model) -> dict[str, Any]:
    """What stands in for names, actor and address in every entry."""
    frame = context.current()
    actor = frame.who()
    return {
        "object_repr": f"{instance._meta.label_lower} {instance.pk}",
        "serialized_data": None,
        "additional_data": None,
        "tenant": frame.tenant_id,
        "actor_id": UUID(actor.id) if actor.kind == "user" and actor.id else None,
        "remote_addr": frame.client_ip or None,
    }


def mask(value: str) -> str:
    """The whole value, not the half that the library's own mask leaves readable."""
    return MASK


class LogEntry(AbstractLogEntry):
    """One change to a configuration-like row, seen by django-auditlog."""

    tenant = models.TextField(_("tenant"), editable=False, db_index=True)

    objects = ScrubbingManager()

    class Meta(AbstractLogEntry.Meta):
        verbose_name = _("configuration change")
        verbose_name_plural = _("configuration changes")
        default_permissions = ("view",)
