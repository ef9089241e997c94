"""How cells differ from home, and how they are made alike again."""
