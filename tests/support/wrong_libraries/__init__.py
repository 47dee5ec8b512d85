"""Real libraries that go wrong on purpose."""
