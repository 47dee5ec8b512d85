zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x3c00000000000000 len=180
add z 0x3e00000000000000 len=180
txg
remove z 0x3c00000000000000
remove z 0x3e00000000000000
txg
t1: add z 0x3c00000000000000 len=180
t9: spa_sync
