"""One set of flavors and host aggregates over several Novas.

The proxy finds what answers a request: flavors and aggregates, which have
packages of their own, zones and server groups.  Those ask the cells; what is
written to flavors stands in the journal until all cells have it, and where
cells differ all the same is drift.
"""
