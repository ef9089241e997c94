from tests.unit.cli.commands import desk

__all__ = ["desk"]
