zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
txg
t1: add z 0x3af38c2fdcb284f8 len=180 fill=0x2
t9: spa_sync
