"""Crashes inside a sync: the pool as it would be if the machine stopped after any one of the txg's writes."""
