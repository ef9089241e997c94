"""The calls under ``/os-waffles/``, and what they ask, write and answer."""
