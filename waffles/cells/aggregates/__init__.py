"""Host aggregates, each of which is in one cell."""
