zap z fat key=u64 prehashed leaf_shift=9 mos
add z 0x2000000000000000 len=148 fill=0xffffffffffffffff
add z 0x25892b3f1857f54e len=148
sync
