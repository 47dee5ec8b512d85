zap z micro leaf_shift=9
schedule 4:2
t1: add z "a" int=8
t2: add z "a" int=8
