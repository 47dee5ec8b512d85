# A leaf is written over the pointer table that is being built, after zap_trunc() forgot it.
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
# Growth ends here, and the same split again takes block 17, the first of the new table, for a leaf.
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
# The table entry of this key is a field of the leaf's header (2, its prefix), and leads to another leaf.
lookup z 0x100000000000000 len=180
