"""Reproducers on disk: reading and writing them, running them again, merging working corpora."""
