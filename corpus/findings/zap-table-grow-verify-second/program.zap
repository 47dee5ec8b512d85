# A block of the pointer table that is being built cannot be read: the step that would fill it panics.
zap z fat key=u64 prehashed leaf_shift=9
# These two keys differ in their eighth bit. The pointer table has eight bits then, in four blocks, and begins to
# grow to eight blocks. Each op that writes an entry, or finds it there, fills two of them.
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x8000000000000000 len=148
# The leaf of the upper half is split. What the last quarter of the table leads to is stored in the last two blocks
# of the new table, too, which this op has yet to fill after three quarters.
add z 0xc000000000000000 len=148
sync
# The second of these two blocks cannot be read. The entry that is added is there (EEXIST); then comes the last step, and
# zap_table_grow() has a VERIFY that it can hold the block.
fail z block=24
add z 0x100000000000000
