zap d micro
schedule 6:2
add d "a" int=8
t1: update d "a" int=8
t2: update d "a" int=8 fill=0x1
