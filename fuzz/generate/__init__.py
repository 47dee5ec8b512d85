"""Ways to draw a program, to change one, and keys for a wanted hash."""
