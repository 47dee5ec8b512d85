# one thread shrinks a leaf away while the other makes the pointer table grow
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
add z 0x0 len=180
remove z 0xc000000000000000
t1: remove z 0x8000000000000000
t1: lookup z 0x0 len=180
t2: add z 0x400000000000000 len=180
t2: count z
