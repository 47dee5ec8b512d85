"""The language of programs: data, text form, byte form, what is valid. Runs nothing."""
