zap z fat key=u64 prehashed leaf_shift=9
add z 0x8000000000000000
cursor c z
next c
destroy z
next c
next c
serialize c
