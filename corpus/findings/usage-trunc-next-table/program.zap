# zap_trunc() forgets the pointer table that is being built, in syncing context.
zap z fat leaf_shift=9 usage=project
# Seven ids whose names have hashes that begin alike, in two places (N and obj-N): the table grows, and is being
# doubled when the last leaves are split off behind it.
allocate id=0x4e5d0330
allocate first=1 id=0x8bb303bc
allocate first=2 id=0x89e301b7
allocate first=3 id=0x4e5d021f
allocate first=4 id=0x4e5d026a
allocate first=5 id=0x89e301e0
allocate first=6 id=0x89e30408
txg
# They go: the leaves are joined, and zap_freeblk moves back below the table being built.
free count=7
txg
# Others come: growth ends, leaves are put on blocks of the table, and an id is looked for that the table sends to
# block 0: VERIFY0(zap_increment()) is ENOENT.
allocate count=250
sync
