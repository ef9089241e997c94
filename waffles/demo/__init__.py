"""A real Nova in this process, and a walk through the waffles on it.

Needs the extra ``demo``: Nova, Placement, and what their functional fixtures
import.
"""
