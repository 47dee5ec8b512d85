"""Logs read for ZFS failures: what failed where, whether the corpus knows it, what to do until it is fixed.

Nothing here runs a program or knows the model; a failure found in a log is compared with what the corpus's
reproducers say they give. `harness` feeds logs from Atheris.
"""
