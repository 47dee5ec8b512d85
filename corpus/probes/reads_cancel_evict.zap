# A dbuf that was to be evicted is read.
zap z fat key=u64 prehashed leaf_shift=9
evict
add z 0x0
sync
