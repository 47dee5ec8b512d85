"""From a failing program to the simplest one found that fails in the same way."""
