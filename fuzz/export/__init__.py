"""Reproducers as one self-contained file: a pytest test on the model (`forms`), a Python script and a C
program on a real libzpool (`python_form`, `c_form`). `alone/` has those two in parts, without a program."""
