"""What drives the model and the real library: programs, engines, minimizer, corpus, command line."""
