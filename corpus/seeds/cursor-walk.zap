# A cursor walks over four leaves while the entry it stands on, and one behind it, are removed.
# It finds its way by hash: what it returns next does not depend on what is gone.
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=180
add z 0x4000000000000000 len=180
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=180
sync
cursor c z
next c
next c
remove z 0x4000000000000000
retrieve c
remove z 0x0
next c
# a second cursor, on what is left
cursor d z
next d
next d
next d
next c
close c
close d
count z
