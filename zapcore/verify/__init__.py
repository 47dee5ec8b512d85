"""What the bytes of an object must show: leaf, fat, micro, the whole, and what damage leads to."""
