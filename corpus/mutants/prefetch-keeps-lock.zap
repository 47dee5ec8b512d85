zap z fat key=u64 prehashed leaf_shift=9
prefetch z 0x0
