zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x1000000000000000
cursor c z
next c
serialize c
cursor c z from=0x100000000000
advance c
next c
