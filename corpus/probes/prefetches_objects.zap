# Whether there is zap_prefetch_object().
zap z fat key=u64 prehashed leaf_shift=9
prefetch_object z
