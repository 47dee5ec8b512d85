zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 6:2
add z 0x0
add z 0x1
t1: remove z 0x0
t2: lookup z 0x0
t2: count z
