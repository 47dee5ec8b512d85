zap d micro leaf_shift=9
schedule 6:2
touch d "a"
t1: unlink d "a"
t2: add d "b" int=8 len=2
