zap z fat key=u64 prehashed leaf_shift=9
lookup z 0x0
