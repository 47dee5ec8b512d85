zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
schedule 0:9
add z 0xbad521a3fba3f7d len=180
add z 0xaed521a3fba3f7d len=180
txg
evict
t1: destroy z
t9: spa_sync
sync
