"""Pages about recoveries, for operators, and who may see them."""
