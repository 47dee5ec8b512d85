zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x800000000000000 len=180
add z 0x1800000000000000 len=180
remove z 0x800000000000000
remove z 0x1800000000000000
txg
t9: spa_sync
