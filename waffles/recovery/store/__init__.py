"""What is on record of recoveries: all that processes know of each other.

Each method of :class:`waffles.recovery.store.store.Store` is a transaction;
the other modules are what it is made of.
"""
