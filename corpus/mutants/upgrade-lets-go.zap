zap z micro leaf_shift=9
schedule 0:3 6:1
increment z "a"
t3: add z "a"
t1: remove z "a"
