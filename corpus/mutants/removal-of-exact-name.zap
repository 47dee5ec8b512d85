zap z fat hash64 leaf_shift=9
remove_norm z "a" match=1
