"""What is wrong with a program, a target, a library or an engine, and can be told in one line: the parent of
all such exceptions, so that the command line tells them without importing who raises them."""


class Problem(Exception):
    """The text says in one line what is wrong."""
