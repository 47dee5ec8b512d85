"""The model as a target: a world of one program, and what each verb does there."""
