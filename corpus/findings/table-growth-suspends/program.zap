# An indirect block above an old pointer table cannot be read: the op that would free the table suspends the pool.
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
# These two keys differ in their tenth bit. The pointer table then has ten bits, in 16 blocks, and has begun to grow.
# Each op that finds an entry there (EEXIST) copies one of them, but the last.
add z 0x0 len=148
add z 0x40000000000000 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
add z 0x0 len=148
sync
# The old table is blocks 26 to 41. Of the indirect blocks above it this one is neither the first nor the last, nor
# above what this op reads itself. The op copies the last block and frees them all, and reads this one as one that
# must be readable.
fail z level=1 block=8
add z 0x0 len=148
