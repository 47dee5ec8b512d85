"""The parts that an exported script or C program is put together from; nothing here is imported."""
