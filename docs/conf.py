"""Sphinx: the docstrings of the modules are the manual."""

project = "waffles"
author = "the waffles authors"
html_theme = "furo"
extensions = [
    "cliff.sphinxext",
    "oslo_config.sphinxext",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
]
# The second is a part of recovery.rst.
exclude_patterns = ["_build", "recovery-notices.rst"]
# Quotes and dashes are options here: they stay what is typed.
smartquotes = False
# The manual is built without Nova.
autodoc_mock_imports = ["nova"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
