"""Reproducers as one self-contained file: a pytest test on the model (`forms`), a Python script and a C
program on a real libzpool (`python_form`, `c_form`).

What is right stands in `expected_answers`, once for both. The Python form is `python_steps` (with threads:
`python_threads`) and what these and the program's verbs need of the adapter, taken out by `prune_python`;
the C form is the files in `c/`, what nothing needs taken out by `prune_c`. How a transaction is assigned
there is in `room.c`, or in `no_room.c` for a program with `full`.
"""
