zap d micro leaf_shift=9
schedule 4:2
touch d "a"
t1: count d
t2: add d "b" int=8 len=2
