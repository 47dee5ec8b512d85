"""Running a program: what an op and a program came to, and how one is run and judged."""
