"""Tests of what OSS-Fuzz runs."""
