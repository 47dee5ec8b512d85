zap z fat key=u64 prehashed leaf_shift=9 hash_bits=10
add z 0x0 len=148
add z 0x80000000000000 len=148
