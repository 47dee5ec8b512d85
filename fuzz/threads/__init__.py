"""Threads: programs whose ops run at the same time, on the model, with the interleaving as an input.

`section` says what a program with threads means and runs it; `scheduler` and `policies` decide who goes on;
`dependence` tells which interleavings are the same, and `explore` tries all that are not; `linear` and
`monitor` judge; `minimize` finds the fewest switches; `fuzzer` looks for failures in random programs. Needs
greenlet (the extra `threads`); nothing outside imports this package before it meets a program with threads.

`real` replays such programs on the real library, by real threads that are held where the model's schedule
stops them.
"""
