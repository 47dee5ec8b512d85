# Ids whose names have one hash, whatever the salt is: the pointer table doubles without end, in syncing context.
# In leaves of 512 bytes seven do it. In those of 16 KiB it takes 213, of which at most 24 bits can agree.
zap z fat leaf_shift=9 usage=project
allocate id=0x10000003
allocate first=1 id=0x10309de4
allocate first=2 id=0x26e78ea8
allocate first=3 id=0x2f9c90a7
allocate first=4 id=0x3f4543f1
allocate first=5 id=0x4071c3a9
allocate first=6 id=0x46b3e692
sync
