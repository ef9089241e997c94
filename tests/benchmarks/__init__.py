"""What waffles cost, side by side with what others cost, in one run."""
