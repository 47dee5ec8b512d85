"""Seeded faults: the model with one thing wrong, to see whether an engine finds it."""
