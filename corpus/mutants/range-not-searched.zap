zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
schedule 0:9
add z 0x2b9eba0cdf561d80 len=180
add z 0x2adeba0cdf561d80 len=180
txg
evict
t1: destroy z
t9: spa_sync
sync
