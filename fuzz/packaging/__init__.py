"""How the wheel is made of this checkout. Only the build runs it, and it is in no wheel."""
