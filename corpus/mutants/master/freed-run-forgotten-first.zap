zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 33:9
add z 0x800000000000000 len=180
add z 0x1800000000000000 len=180
sync
remove z 0x800000000000000
remove z 0x1800000000000000
txg
t1: add z 0x800000000000000 len=180
t1: add z 0x1800000000000000 len=180
t9: spa_sync
