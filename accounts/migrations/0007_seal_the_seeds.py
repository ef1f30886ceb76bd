"""Authenticators' seeds lay in clear in django_otp's table: seal them into ours and empty that one. Reversible."""

from django.conf import settings
from django.db import migrations

from accounts import seeds


def seal(apps, schema_editor):
    """The first confirmed authenticator of each user is the one that served; others never did."""
    Authenticator, Stock = apps.get_model("accounts", "Authenticator"), apps.get_model("otp_totp", "TOTPDevice")
    rows = Stock.objects.using(schema_editor.connection.alias)
    moved = set()
    for old in rows.filter(confirmed=True).order_by("pk").iterator(chunk_size=500):
        if old.user_id in moved:
            continue
        moved.add(old.user_id)
        new = Authenticator(user_id=old.user_id, name=old.name, drift=old.drift, last_t=old.last_t)
        new.throttling_failure_timestamp = old.throttling_failure_timestamp
        new.throttling_failure_count = old.throttling_failure_count
        new.last_used_at = old.last_used_at
        new.sealed_seed = seeds.seal(bytes.fromhex(old.key), place=seeds.place_of(new.user_id, new.pk))
        new.save(using=schema_editor.connection.alias)
    rows.all().delete()


def unseal(apps, schema_editor):
    """Back into django_otp's table, in clear, as the code before this reads it."""
    Authenticator, Stock = apps.get_model("accounts", "Authenticator"), apps.get_model("otp_totp", "TOTPDevice")
    rows = Authenticator.objects.using(schema_editor.connection.alias)
    for new in rows.order_by("pk").iterator(chunk_size=500):
        seed = seeds.unseal(bytes(new.sealed_seed), place=seeds.place_of(new.user_id, new.pk))
        old = Stock(user_id=new.user_id, name=new.name, key=seed.hex(), drift=new.drift, last_t=new.last_t)
        old.confirmed = new.confirmed
        old.throttling_failure_timestamp = new.throttling_failure_timestamp
        old.throttling_failure_count = new.throttling_failure_count
        old.last_used_at = new.last_used_at
        old.save(using=schema_editor.connection.alias)
    rows.all().delete()


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_authenticators_and_security_keys'),
        ('otp_totp', '0003_add_timestamps'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RunPython(seal, unseal)]
