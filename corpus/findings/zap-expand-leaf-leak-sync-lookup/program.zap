# An add in a sync task cannot read the pointer table and leaves its leaf locked: a lookup in that sync hangs.
zap z fat key=u64 prehashed leaf_shift=9 mos
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x4000000000000000 len=148
sync
# The two are put into the next txg; then that block of the table that is being built cannot be read.
add z 0x5000000000000000 len=148
increment z 0x5000000000000000
fail z block=20
# The first answers EIO with the leaf held and locked; the second looks its key up first, and waits for it on the one thread that syncs.
sync
