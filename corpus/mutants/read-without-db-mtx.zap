zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 1:2 2:9 10:2 12:9 15:2 16:9
add z 0x7e00000000000000 len=60
sync
remove z 0x7e00000000000000
evict
txg
t1: add z 0x7e00000000000000 len=180
t2: remove z 0x7e00000000000000
t9: spa_sync
