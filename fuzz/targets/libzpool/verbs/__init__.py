"""The functions of a verb each, by family: each calls the library as OpenZFS's own callers do."""
