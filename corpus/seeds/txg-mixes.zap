# The same blocks dirty in the open txg and in two in flight, then frees, with nothing put back.
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=150
txg
add z 0x8000000000000000 len=150
add z 0x4000000000000000 len=150
txg
update z 0x0 len=186
add z 0xc000000000000000 len=150
finish
txg
remove z 0x4000000000000000
finish
remove z 0x0
txg
remove z 0xc000000000000000
evict
sync
evict
lookup z 0x8000000000000000 len=150
