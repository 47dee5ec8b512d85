# zap_trunc() forgets the pointer table that is being built.
zap z fat key=u64 prehashed leaf_shift=9
# Two keys that share seven bits: the table has 4 blocks (12 to 15), and 8 more (17 to 24) are being filled.
add z 0x0 len=180
add z 0x100000000000000 len=180
# A leaf is split while that goes on: the new one is block 25, the last of the object.
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
# Both halves empty: block 25 is freed, and zap_freeblk becomes 17 instead of 25.
remove z 0x8000000000000000
remove z 0xc000000000000000
# The last step of growth: the table is now blocks 17 to 24, behind zap_freeblk. (EEXIST takes a step, too.)
add z 0x0
# The next shrink finds the last block in use not below zap_freeblk.
remove z 0x0
remove z 0x100000000000000
