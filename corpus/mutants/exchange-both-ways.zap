zap z micro leaf_shift=9 casesensitivity=insensitive normalization=formKC longname=on inode=0x2
zap y micro leaf_shift=9 casesensitivity=insensitive normalization=formKC longname=on
add z "c"
mkdir y "c" inode=0x2
exchange z y "c" "c"
