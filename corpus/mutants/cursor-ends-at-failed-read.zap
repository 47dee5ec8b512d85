zap z fat hash64 leaf_shift=9
add z "\x01\xcd\x08\x1e\xdf(\xaf~" len=63
add z "\x80!3w\xfbc\xf2U" len=42 fill=0xb
add z "\xc1\x9bj\x9a\x1d$\xec\xdf" int=4 len=15
add z "98:3=4123441>8::070000" len=63
remove z "\x80!3w\xfbc\xf2U"
cursor c z
sync
fail z many=64 block=1 errno=52
next c
