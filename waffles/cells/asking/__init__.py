"""How cells are asked, and what is made of their answers."""
