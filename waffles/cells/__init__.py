"""One set of flavors and host aggregates over several Novas."""
