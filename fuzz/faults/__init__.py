"""Changes of the model from outside: faults put in on purpose, known bugs put right."""
