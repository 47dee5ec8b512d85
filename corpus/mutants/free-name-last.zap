zap z fat key=u64 prehashed leaf_shift=9
add z 0x0
remove z 0x0
