zap z fat key=u64 prehashed leaf_shift=9
sync
fail z many=64 block=1
increment z 0x973e4a54a362ffb5
