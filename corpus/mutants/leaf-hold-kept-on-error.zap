zap z fat key=u64 prehashed leaf_shift=9
remove z 0x0
