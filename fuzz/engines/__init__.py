"""The engines that look for failing programs. Engines know programs, never leaves."""
