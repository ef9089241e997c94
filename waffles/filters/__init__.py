"""The waffles: one module each, none knows of another."""
