# two threads meet where one splits the leaf that the other works on
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=180
t1: add z 0x8000000000000000 len=180
t1: remove z 0x0
t2: add z 0x4000000000000000 len=60
t2: lookup z 0x0 len=180
