"""Stackable paste filters for OpenStack's compute API.

A *waffle* is one filter in front of Nova's compute API.  It knows one kind
of business rule, reads one section of configuration, and needs no change in
Nova.

Imports go down only::

    cli : demo : scheduler
    opts
    filters
    network_rules | waffle
    cells | policy | recovery
    targets
    servers | templates
    request
    nics
    checks | fabric | guards | subrequest
    body | clients | database | faults | schemas
    caller | config | creates | keys | operations | pins
    ids | patterns | texts
    exceptions

``import-linter`` holds the code to this picture (``tox -e lint``).
"""
