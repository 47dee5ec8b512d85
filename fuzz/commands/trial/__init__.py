"""`zapfuzz try`: somebody's own build of OpenZFS, its stages and the page that says what they came to."""
