zap z fat key=u64 prehashed hash64 leaf_shift=9
sync
fail z many=2 block=1
remove z 0xa5d4a476cdd39289
