# The dbuf of the header is held from the start of a cursor on, or not.
zap z fat key=u64 prehashed leaf_shift=9
cursor c z
