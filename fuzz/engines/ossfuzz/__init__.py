"""What OSS-Fuzz and ClusterFuzzLite want of a project: how it is built there, and fuzz targets."""
