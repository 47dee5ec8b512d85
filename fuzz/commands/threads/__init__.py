"""Programs with threads: every schedule, one that is forced, random ones."""
