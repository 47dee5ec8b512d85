zap z fat hash64 leaf_shift=9
t1: search z
