"""Object storage on any S3 server, through the minio SDK."""
