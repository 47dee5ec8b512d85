zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=10
add z 0x53541ed1419acea2 len=180
add z 0x51541ed1419acea2 len=180
txg
add z 0x53141ed1419acea2
txg
t9: spa_sync
t9: spa_sync
