"""Reproducers as one self-contained file: a pytest test on the model, a Python script and a C program on a
real libzpool. `alone.py` and `alone.c` are those two without a program; `forms` puts one in."""
