"""What runs came to over time, in a SQLite file that outlives them and can be asked."""
