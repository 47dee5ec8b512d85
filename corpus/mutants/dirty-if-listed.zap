zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:9 2:1
txg
t1: seek z hole=1
t9: spa_sync
