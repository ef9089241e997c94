"""What stands before the cells and answers for them."""
