# zap_trunc() forgets the pointer table that is being built, in a ZAP that 2.1 has written.
zap z fat key=u64 prehashed leaf_shift=9
# Two keys that share seven bits: the table has 4 blocks (12 to 15), and 8 more (17 to 24) are being filled. The last
# key splits a leaf into block 25.
add z 0x0 len=148
add z 0x4000000000000000 len=148
add z 0x4100000000000000 len=148
add z 0x2000000000000000 len=148
# 2.1 leaves an empty leaf where it is.
remove z 0x2000000000000000
# The pool is imported by the next release, which frees leaves. Its first removal joins all that is empty.
move
remove z 0x0
# The last steps of growth (EEXIST takes a step, too); then the next shrink finds the last block in use not below
# zap_freeblk.
add z 0x4000000000000000
add z 0x4000000000000000
remove z 0x4100000000000000
remove z 0x4000000000000000
