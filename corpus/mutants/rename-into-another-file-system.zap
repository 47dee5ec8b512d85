zap d micro
zap e micro normalization=formC
touch d "a"
rename d e "a" "b"
