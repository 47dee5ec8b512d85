zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0
cursor c z from=0x1234
serialize c
