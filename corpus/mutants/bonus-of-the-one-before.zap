zap u fat usage=user
allocate first=0 id=0x5
sync
free first=0
allocate first=0 id=0x6
sync
