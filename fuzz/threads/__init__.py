"""Threads: programs whose ops run at the same time, on the model, with the interleaving as an input.

`section` says what a program with threads means and runs it; `scheduler` and `policies` decide who goes on;
`dependence` tells which interleavings are the same, and `explore` tries all that are not; `linear` and
`monitor` judge; `minimize` finds the fewest switches; `fuzzer` looks for failures in random programs. Needs
greenlet (the extra `threads`); nothing outside imports this package before it meets a program with threads.

Only the model has threads so far. On the real library such a program runs in the order in which it stands; to
replay its switches there, real threads must be held at the lock entry points of a preloaded library of our
own, which is to be written. A point of a schedule is then the n-th lock entry or exit of a thread: those are
among the model's points, and the switches that lie at holds and releases of dbufs cannot be forced.
"""
