"""What people and programs are told of recoveries, and how it reaches them."""
