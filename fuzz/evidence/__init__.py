"""What real machines leave: kernel logs (triage), blocks on disk (check), traces and trees (imports)."""
