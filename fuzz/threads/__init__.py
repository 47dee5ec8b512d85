"""Threads: programs whose ops run at the same time on the model. Their interleaving is an input.

`parallel_run` says what a program with threads means, and runs it. `scheduler` runs one thread at a time, and
`scheduling_policies` decide which one goes on. `dependence` tells which interleavings are the same, and
`explore` tries all that are not. `linearizability` and `lock_monitor` judge a run. `minimize_schedule` finds
the fewest switches that still lead to a failure. `thread_fuzzer` looks for failures of random programs.

All this needs greenlet (the extra `threads`), so nothing outside imports this package before it meets a
program with threads. `real` runs such programs on the real library, with real threads that are held at the
points where the model's schedule stops them.
"""
