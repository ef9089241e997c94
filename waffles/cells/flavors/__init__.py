"""Flavors, which are the same in all cells: read, and written to all."""
