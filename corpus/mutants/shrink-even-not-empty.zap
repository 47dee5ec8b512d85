zap z fat key=u64 prehashed hash64 leaf_shift=9
schedule 0:2 4:1
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
add z 0x0
remove z 0xc000000000000000
t1: remove z 0x8000000000000000
t2: add z 0xa000000000000000
