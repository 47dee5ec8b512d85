zap z fat key=u64 prehashed leaf_shift=9
add z 0xfffffff000000000
add z 0xffffffffffffffff
cursor c z
next c
next c
