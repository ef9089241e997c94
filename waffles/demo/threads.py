"""Nova with real threads: to be imported before anything else of Nova."""

import os

os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"

import nova.tests.functional  # noqa: F401
