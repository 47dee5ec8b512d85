zap z fat key=u64 prehashed leaf_shift=9
txg
add z 0x0
