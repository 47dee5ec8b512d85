zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x400000000000000
update z 0x400000000000000 len=148
