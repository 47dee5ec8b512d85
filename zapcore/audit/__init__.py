"""What a live world must show, and what one operation may change in it."""
