zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x80000000
cursor c z
next c
destroy z
serialize c
