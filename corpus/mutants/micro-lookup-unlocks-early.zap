zap d micro leaf_shift=9
schedule 3:2 22:1
add d "a" int=8
t1: lookup d "a" int=8
t2: add d "b" int=8 len=2
