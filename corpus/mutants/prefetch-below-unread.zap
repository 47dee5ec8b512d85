zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
add z 0x0 len=148
add z 0x4000000000000000 len=148
add z 0x8000000000000000 len=148
add z 0xc000000000000000 len=148
sync
fail z level=1 block=1
prefetch z 0xc000000000000000
prefetch z 0x0
prefetch z 0x8000000000000000
