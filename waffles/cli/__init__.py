"""The command ``waffles``."""
