"""Programs from what real machines did or have, as commands."""
