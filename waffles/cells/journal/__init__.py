"""What is on record of writes that are not in all cells yet."""
