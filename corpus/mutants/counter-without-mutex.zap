zap z fat key=u64 prehashed leaf_shift=9
t1: add z 0x0
