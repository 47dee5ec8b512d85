zap z fat key=u64 prehashed hash64 leaf_shift=9
txg
t1: seek z
