"""The web server's door. Production refuses to open it while its settings are unsafe."""

import os

from django.core.wsgi import get_wsgi_application

from verso.operations import safety

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "verso.settings.production")

application = get_wsgi_application()
safety.refuse_unsafe()
