"""Waffles in a whole cloud: ``tox -e stack``, or ``… -- -k naming``.

MariaDB, RabbitMQ, Keystone, Placement, Glance, Neutron and Nova run on
127.0.0.1, with the pipeline of ``etc/api-paste.ini``.  Only two things are
pretended: hypervisors (a fake driver of Nova's own) and the binding of ports
(:mod:`tests.stack.ml2`).

All of a cloud is in one folder, which goes when the run ends, with all of its
processes.  Where a test fails, the ends of the logs are shown.  The whole
folder is left if ``STACK_KEEP`` names one to make it in.
"""
