zap z fat hash64 leaf_shift=9
add_int_key z id=0x100000001
