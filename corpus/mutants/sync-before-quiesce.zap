zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:2 1:1 6:9 15:2
t1: txg
t2: add z 0x5000000000000000 len=180 fill=0x2
t9: spa_sync
