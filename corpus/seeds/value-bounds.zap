# Values at their bounds: none, all of 8 KiB, one byte more (E2BIG), and buffers that are too short.
zap z fat key=u64
add z 0x1 len=8192
add z 0x2 int=8 len=1025
add z 0x2 int=8 len=1024 fill=0xffffffffffffffff
add z 0x3 len=0
lookup z 0x1 len=8191
lookup z 0x2 int=8 len=1024
lookup z 0x3
lookup z 0x4
update z 0x1 int=4 len=2048
length z 0x1
remove z 0x2
remove z 0x2
count z
