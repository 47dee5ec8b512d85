"""The lines that say that something failed: one table of forms, in the order in which they are tried."""
