from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_sessions_and_providers'),
    ]

    operations = [
        migrations.AddField(
            model_name='authsession',
            name='epoch',
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
    ]
