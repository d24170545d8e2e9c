"""Where bytes are kept under names: a folder, a web server, a bucket, a hub."""
