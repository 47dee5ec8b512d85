# Objects come and go beside each other, dirty blocks of the old one still in flight.
zap z fat key=u64 prehashed hash64 leaf_shift=9
zap d fat hash64 leaf_shift=9
add z 0x0 len=180
add z 0x8000000000000000 len=180
add d "a file" int=8 fill=0x80
txg
destroy z
add z 0x0
create z
add z 0x0 len=180
remove d "a file"
sync
destroy d
create d
add d "another" int=8 fill=0x81
create d
count z
