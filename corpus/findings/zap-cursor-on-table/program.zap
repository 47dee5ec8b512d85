# A cursor is parked on a leaf whose block becomes one of the pointer table, and takes the table for a leaf.
zap z fat key=u64 prehashed leaf_shift=9
# Leaves of 4 bits for 0x8 and 0x9 (blocks 2 and 5); the table of 5 bits still lies in the header.
add z 0x8000000000000000 len=180
add z 0x9000000000000000 len=180
# Leaves of 4 bits for 0xe and 0xf: blocks 6 and 7, the last of the object.
add z 0xe000000000000000 len=180
add z 0xf000000000000000 len=180
remove z 0xe000000000000000
# A cursor walks to 0xf and is left there: it holds block 7.
cursor c z
next c
next c
next c
# Blocks 7 and 6 are freed; zap_freeblk is 6.
remove z 0xf000000000000000
# 0x8 is split to 5 bits, the new leaf is block 6; the table must grow then, and moves to block 7.
add z 0x8800000000000000 len=180
# Block 7 is not zero, and words 2 and 4 of the table (block 1) read as a prefix of one bit, 1: so has the cursor.
next c
