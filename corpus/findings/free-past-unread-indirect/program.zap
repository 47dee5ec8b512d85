# An indirect block of level 2 above an old pointer table cannot be read when the table is freed. It can again when
# that syncs, which panics: the indirect blocks of level 1 below it are not dirty.
zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
# These two keys differ in their eleventh bit. The pointer table then has eleven bits, in 32 blocks, and has begun to
# grow. Each op that finds an entry there (EEXIST) copies one of them, but the last.
add z 0x0 len=148
add z 0x20000000000000 len=148
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
add z 0x0 len=148
add z 0x0 len=148
sync
# The old table is blocks 43 to 74. This indirect block is above 48 to 63. The op that frees them passes over it.
fail z level=2 block=3
add z 0x0 len=148
heal z
sync
