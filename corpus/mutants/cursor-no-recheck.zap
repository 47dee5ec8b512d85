zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:2
add z 0x0 len=60
add z 0x8000000000000000 len=60
add z 0xc000000000000000 len=60
cursor c z
next c
next c
t1: next c
t2: add z 0x4000000000000000 len=60
