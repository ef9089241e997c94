from tests.unit.recovery.stores import blank, made, store, url

__all__ = ["blank", "made", "store", "url"]
