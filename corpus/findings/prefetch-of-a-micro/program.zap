# A micro ZAP is taken for a fat one: its table is looked for at a block shift that nobody wrote.
zap z micro
prefetch z "a" blind=1
