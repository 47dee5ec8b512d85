"""What each op must return, and what makes two failures the same bug. Runs nothing, knows no target."""
