# In the meta object set all of a txg is done while it syncs, and what is wrong shows at its end.
zap z fat key=u64 prehashed leaf_shift=9 mos
add z 0x0 len=148
add z 0x8000000000000000 len=148
add z 0x400000000000000 len=148
# These two make the pointer table grow, step by step.
add z 0x100000000000000 len=148
add z 0x600000000000000 len=148
# Leaves that were split meanwhile are emptied and go: the table being built lies behind the free mark.
remove z 0x400000000000000
remove z 0x600000000000000
# The next split takes the first block of that table for a leaf.
add z 0xc000000000000000 len=148
sync
