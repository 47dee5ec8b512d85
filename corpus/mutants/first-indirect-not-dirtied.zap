zap z fat key=u64 prehashed leaf_shift=9 indirect_shift=9
add z 0xe260000000000000 len=180
add z 0xe240000000000000 len=180
txg
add z 0xe270000000000000 len=180
sync
sync
