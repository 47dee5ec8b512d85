"""Tests of engines that take their time."""
