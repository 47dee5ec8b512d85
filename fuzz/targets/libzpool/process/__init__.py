"""The process that has the library, and what is said to it. Programs may kill it; the parent lives."""
