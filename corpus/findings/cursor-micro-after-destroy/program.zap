# Two names of one hash; the second has differentiator 1.
zap z micro leaf_shift=9
add z "07=11719>741?=<;21000" int=8
add z "346:=12>00267=85<70000" int=8
cursor c z
next c
# Block 0 becomes zero, but the cursor still has the zap_t and its index.
destroy z
next c
