zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 2:9 4:1 6:9 9:1
add z 0x8000000000000000 len=180
txg
t1: remove z 0x8000000000000000
t9: spa_sync
