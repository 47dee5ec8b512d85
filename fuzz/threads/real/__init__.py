"""Programs with threads on the real library: real threads, held where the model's schedule stops them.

`plan` runs the program on the model and writes down which thread stands where, and when another goes on.
`hold.c` is a library of our own, compiled by `build` on the user's machine, that comes between libzpool and
its locks and dbufs; `shim` calls it, in the worker. `conduct` leads the threads of one parallel section along
the plan, `worker` is the child process that has them, and `run` is the parent's side: one run, judged, with
what could be forced of its schedule. `command` is `zapfuzz force`.

A point of the model is a call in the real code, so nearly all switches can be forced: before a lock of a
ZAP or of a leaf is taken, after it was let go, before a dbuf is held or released, at the end of an op. What
cannot be seen from outside is said in the report, with the nearest point that was used instead.
"""
