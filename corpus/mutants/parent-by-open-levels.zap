zap z fat key=u64 prehashed hash64 leaf_shift=9 indirect_shift=9
add z 0xaaf38c2fdcb284f8 len=180
add z 0xbaf38c2fdcb284f8 len=180
