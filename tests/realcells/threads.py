"""Nova with real threads: to be imported before anything else of Nova."""

from nova import monkey_patch

monkey_patch.patch(backend="threading")
