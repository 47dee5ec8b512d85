zap d micro leaf_shift=9
add d "z" int=8 len=0
readdir d
