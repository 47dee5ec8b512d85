zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0xfd07f4c1f1aba548 len=336
add z 0xfb61aeddf1d77c0a len=336
txg
finish
remove z 0xfd07f4c1f1aba548
remove z 0xfb61aeddf1d77c0a
crash
