zap z fat key=u64 prehashed hash64 leaf_shift=9
t1: txg
t1: remove z 0x1000000000000000
sync
