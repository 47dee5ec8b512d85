"""The model: OpenZFS's ZAP on its DMU, in memory, byte for byte. Standard library only; knows no fuzzing."""
