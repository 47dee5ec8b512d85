zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=85
add z 0x8000000000000000 len=85
add z 0x4000000000000000 len=43
