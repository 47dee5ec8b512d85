"""Tests of campaigns that take their time: real clusters, faults, stores elsewhere."""
