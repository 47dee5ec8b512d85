# The leaf of a freed block goes with zap_shrink(), or stays as user data while an earlier txg syncs.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0 len=148
add z 0x8000000000000000 len=148
txg
remove z 0x0
remove z 0x8000000000000000
