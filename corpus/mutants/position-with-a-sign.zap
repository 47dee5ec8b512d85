zap d micro
touch d "a"
getdents d from=0x8000000000000000
