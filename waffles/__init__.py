"""Stackable paste filters for OpenStack's compute API.

A *waffle* is one filter in front of Nova's compute API.  It knows one kind
of business rule, reads one section of configuration, and needs no change in
Nova.

Imports go down only::

    cli | demo
    opts
    filters
    waffle
    request | policy
    clients | config | operations | faults | patterns
    exceptions

``import-linter`` holds this picture against the code (``tox -e lint``).
"""
