zap d micro casesensitivity=insensitive
touch d "a" inode=0x80
touch d "b" inode=0x81
rename d d "a" "B"
