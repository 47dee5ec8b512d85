# Keys that share ten leading bits: the pointer table leaves the header and doubles, a block copied at an add.
zap z fat key=u64 prehashed hash64 leaf_shift=9
add z 0x0 len=180
add z 0x20000000000000 len=180
add z 0x8000000000000000 len=180
add z 0xc000000000000000 len=20
add z 0xa000000000000000 len=20
txg
add z 0x4000000000000000 len=180
remove z 0x20000000000000
remove z 0x4000000000000000
sync
count z
