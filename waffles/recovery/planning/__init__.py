"""What is to become of the servers of a host: asked, judged, in which order.

Nothing is changed here; only :mod:`waffles.recovery.planning.survey` and
:mod:`waffles.recovery.planning.groups` ask Nova and Glance anything.
"""
