zap d micro leaf_shift=9
add d "a" int=8
add d "b" int=8
add d "c" int=8
add d "d" int=8
add d "e" int=8
add d "f" int=8
add d "g" int=8
remove d "d"
add d "x" int=8
remove d "x"
add d "y" int=8
