# An add that cannot read the pointer table answers EIO, and leaves a leaf held and locked.
zap z fat key=u64 prehashed leaf_shift=9
# These two keys differ in their eighth bit. Their leaves need all eight bits of the pointer table, which begins
# to grow. The third key lies in a leaf that has a quarter of the table.
add z 0x0 len=148
add z 0x100000000000000 len=148
add z 0x4000000000000000 len=148
sync
# The block that the upper half of this quarter has in the table that is being built cannot be read.
fail z block=20
# The fourth key has no room in the leaf of the third one. zap_expand_leaf() takes the lock of the ZAP as writer,
# holds and locks the leaf anew, and reads that half of the table before it splits the leaf. That fails, and
# nobody lets go of the leaf.
add z 0x5000000000000000 len=148
# When all can be read again, who wants that leaf waits for ever.
heal z
lookup z 0x4000000000000000
