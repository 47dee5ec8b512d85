zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=180
add z 0x8000000000000000 len=180
sync
remove z 0x8000000000000000
remove z 0x0
sync
add z 0x0 len=180
add z 0x8000000000000000 len=180
sync
reopen
remove z 0x8000000000000000
remove z 0x0
sync
