from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0009_our_own_saml_key"),
    ]

    operations = [
        migrations.AddField(
            model_name='authsession',
            name='epoch',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
