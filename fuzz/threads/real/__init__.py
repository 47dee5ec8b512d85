"""Programs with threads on the real library: real threads, held where the model's schedule stops them.

`plan` runs the program on the model and writes down which thread stands where, and when another one goes on.
`hold.c` is a library of our own that comes between libzpool and its locks and dbufs; it is compiled on the
user's machine, and `hold_shim` calls it in the worker. `follow_plan` leads the threads of one parallel
section along the plan. `worker` is the child process that has these threads. `run` is the parent's side: one
run, judged, with what could be forced of its schedule. `fuzz/commands/threads/force.py` is what a user calls.

A point of the model is a call in the real code, so that nearly all switches can be forced: before a lock of a
ZAP or of a leaf is taken, after it was let go, before a dbuf is held or released, and at the end of an op. If
a point cannot be seen from outside, the report says so, and names the nearest point that was used instead.
"""
