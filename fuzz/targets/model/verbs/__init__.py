"""What each verb does on the model, by family."""
