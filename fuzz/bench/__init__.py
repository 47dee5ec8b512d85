"""Measuring: speed of everything side by side (`speed`, `lane`), how soon each engine finds what (`hunt`),
how small it gets (`cut`), and the one table and JSON file of it (`report`)."""
