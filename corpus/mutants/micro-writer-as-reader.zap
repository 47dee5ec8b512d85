zap z micro leaf_shift=9
t1: remove z "A"
