zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:9 1:1
txg
add z 0x2200000000000000 len=180 fill=0x1
txg
t1: remove z 0x2a00000000000000
t1: txg
t9: spa_sync
t9: spa_sync
