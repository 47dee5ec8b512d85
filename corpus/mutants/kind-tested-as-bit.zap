zap d micro leaf_shift=9
add d "s" int=8 fill=0xc000000000000001
unlink d "s"
