zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 12:2
add z 0x0 len=180
add z 0x8000000000000000 len=180
sync
remove z 0x0
remove z 0x8000000000000000
txg
add z 0x0 len=180
t1: add z 0x8000000000000000 len=180
t2: spa_sync
