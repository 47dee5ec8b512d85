# A cursor is asked again after its ZAP was destroyed; the leaf that it holds is all zeros.
zap z fat key=u64 prehashed leaf_shift=9
add z 0x0
cursor c z
next c
destroy z
retrieve c
