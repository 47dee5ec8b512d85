zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=10
schedule 1:9
add z 0x0 len=148
add z 0x4000000000000000 len=148
txg
t9: sync
t1: destroy z
