"""What a browser shows: a program step by step, the findings as a site, a run while it goes on and after it.

`assets/` has the templates, styles and scripts. A page is one file: its script and style are in it and named
by their hashes in its content security policy, so that nothing else is run and nothing is fetched."""
