# The indirect block above the next free block cannot be read: an op that needs a new leaf panics.
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
# Four leaves, of one entry each, in blocks 1 to 4. The last is below the second indirect block.
add z 0x0 len=148
add z 0x8000000000000000 len=148
add z 0x4000000000000000 len=148
add z 0xc000000000000000 len=148
sync
# Block 5 will be a new leaf, and has never been written. zap_create_leaf() has a VERIFY that it can hold it.
fail z level=1 block=1
add z 0x2000000000000000 len=148
