zap z micro
destroy z
sync
sync
claim z
