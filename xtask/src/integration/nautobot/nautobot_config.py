"""Settings of a Nautobot that tests ask. What differs from server to server is in the environment."""

import os

from nautobot.core.settings import *  # noqa: F403

SECRET_KEY = "There is nothing here that anybody could want to keep to himself."
ALLOWED_HOSTS = ["*"]
INSTALLATION_METRICS_ENABLED = False

# The database is replaced between two requests: a connection is looked at before it is used again.
DATABASES["default"].update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=True)  # noqa: F405

# Cache and queue in one database of Redis, which a reset empties. Nobody works on the queue.
CACHES["default"]["LOCATION"] = os.environ["INTEGRATION_REDIS"]  # noqa: F405
CELERY_BROKER_URL = os.environ["INTEGRATION_REDIS"]
