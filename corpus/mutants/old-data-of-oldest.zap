zap z fat key=u64 prehashed hash64 leaf_shift=9
txg
remove z 0xea00000000000000
txg
t1: add z 0xba00000000000000 len=180
t9: spa_sync
t9: spa_sync
