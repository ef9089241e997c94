"""Servers brought back when their host is gone.

The endpoint writes a recovery down, the engine carries it out, and all that
they know of each other stands in the store.
"""
