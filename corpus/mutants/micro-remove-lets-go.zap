zap d micro leaf_shift=9
schedule 0:2 4:1
add d "a" int=8
t1: remove d "a"
t2: remove d "a"
t2: add d "b" int=8
