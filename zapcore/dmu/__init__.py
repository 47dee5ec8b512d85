"""The DMU: an object set of dnodes, their blocks cached in dbufs, transaction groups, stable storage."""
