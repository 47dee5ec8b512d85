zap u fat usage=group
allocate first=0 id=0x5 whose=2
sync
resize first=0 blocks=1
sync
