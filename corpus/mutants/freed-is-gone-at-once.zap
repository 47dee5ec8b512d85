zap z fat key=u64 prehashed hash64 leaf_shift=9
sync
destroy z
crash
add z 0xe5a8b16024d14429 len=21
