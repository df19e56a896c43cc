"""Makes an empty database one of Nautobot, with a superuser who has a token.

The migrations are Nautobot's own, and so is what comes of them. But for each of some two thousand changes to a model,
Django makes that model anew, and all others that are related to it; in Nautobot that is nearly each one, and takes
minutes. Here only the model itself is made anew, and the others when code of a migration is about to look at them:
Django's own way where it knows that a change does not concern them.
"""

import gc
import sys

import nautobot

nautobot.setup(sys.argv[1])

from django.apps import apps  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.migrations.state import ProjectState  # noqa: E402
from nautobot.users.models import Token  # noqa: E402


def itself_alone(state, app_label, model_name, delay=False):
    state.is_delayed = True
    return {(app_label, model_name)}


# A Django that has another way gets its own.
if hasattr(ProjectState, "_find_reload_model"):
    ProjectState._find_reload_model = itself_alone
# What is loaded by now stays; what migrations leave behind is a lot, and need not be swept after each one.
gc.freeze()
gc.set_threshold(200_000, 20, 50)

call_command("migrate", interactive=False)

# Every model finds its table, with all columns.
for model in apps.get_models():
    if model._meta.managed and not model._meta.proxy:
        list(model._base_manager.all()[:1])

user = get_user_model().objects.create(username="integration", is_superuser=True, is_staff=True, is_active=True)
Token.objects.create(user=user)
