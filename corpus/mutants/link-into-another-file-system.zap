zap d micro
zap e micro normalization=formC
touch d "a"
link d e "a" "b"
