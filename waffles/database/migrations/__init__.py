"""The revisions of the schema, as Alembic runs them.

A new one: ``alembic`` is not needed to write it.  Copy the newest file of
``versions``, give it the next number, name the former as its
``down_revision``, and change the tables of the code alike; a test compares
the two.  None is changed once it has been released.
"""
