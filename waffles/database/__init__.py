"""A database that several processes share: transactions on it, and its schema.

It knows nothing of what is kept in it; tables are defined by whoever has them.
"""
