"""Tests of each target as OSS-Fuzz runs and builds it."""
