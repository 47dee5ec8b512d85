"""What all tests share: Hypothesis repeats the same examples every time, and knows no deadline."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("zapfuzz", derandomize=True, deadline=None)
settings.load_profile("zapfuzz")
