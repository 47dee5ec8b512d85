zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x8000000000000000 len=180
add z 0x8200000000000000 len=180
txg
t1: update z 0x8200000000000000 len=60 fill=0x2
t9: spa_sync
