"""What carries recoveries out, stage by stage, and counts what it does."""
