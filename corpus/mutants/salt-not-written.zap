zap z fat hash64 leaf_shift=9
add z "a"
sync
evict
remove z "a"
