# Three one-byte integers, 0, 1 and 2, are read as 64-bit ones: 0, 0x1, 0x102 come back.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=3
lookup z 0x0 int=8 len=3
