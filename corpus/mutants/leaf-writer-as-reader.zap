zap z fat key=u64 prehashed leaf_shift=9
t1: update z 0x0
