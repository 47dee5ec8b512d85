"""What logs come in: packed, encoded, exported as records, pasted with markup; a line without its stamp."""
