zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
schedule 2:9 3:1 14:9 26:1
add z 0x96feb1c5d9b59684 len=180
add z 0x96deb1c5d9b59684 len=180
sync
remove z 0x96deb1c5d9b59684
txg
t1: lookup z 0x96deb1c5d9b59684 len=180
t1: destroy z
t9: spa_sync
