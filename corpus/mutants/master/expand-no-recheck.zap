zap z fat key=u64 prehashed leaf_shift=9
schedule 19:2
t1: add z 0x0 len=148
t1: add z 0x8000000000000000 len=148
t2: add z 0x8000000000000000 len=148
