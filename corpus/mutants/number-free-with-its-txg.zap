zap z micro
destroy z
sync
claim z
