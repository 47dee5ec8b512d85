zap z fat key=u64 leaf_shift=9
sync
fail z block=1 errno=52
add z 0xdeec8cabbbfc05ff len=148 fill=0x94
