zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x8000000000000000 len=148
remove z 0x0
cursor c z
next c
remove z 0x8000000000000000
next c
