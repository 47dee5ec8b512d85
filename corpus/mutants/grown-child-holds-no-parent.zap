zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
add z 0x5bc8fbbcbde5c099 len=180
add z 0x5b48fbbcbde5c099 len=180
txg
t1: destroy z
sync
