zap z micro
add z "00" int=8
add z "01" int=8
add z "02" int=8
add z "03" int=8
add z "04" int=8
add z "05" int=8
add z "06" int=8
add z "07" int=8
add z "08" int=8
add z "09" int=8
add z "10" int=8
add z "11" int=8
add z "12" int=8
add z "13" int=8
add z "14" int=8
add z "15" int=8
add z "16" int=8
add z "17" int=8
add z "18" int=8
add z "19" int=8
add z "20" int=8
add z "21" int=8
add z "22" int=8
reopen
count z
