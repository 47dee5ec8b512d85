# two threads empty sibling leaves, and one of them fills its leaf again
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=180
add z 0x8000000000000000 len=180
t1: remove z 0x0
t1: add z 0x0 len=180
t2: remove z 0x8000000000000000
t2: count z
