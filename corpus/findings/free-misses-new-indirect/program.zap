zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
schedule 0:9 67:1
add z 0x0 len=148
add z 0x40000000000000 len=148
txg
t1: evict
t1: destroy z
t9: spa_sync
sync
