"""Partner organisations, co-branded campaigns and statements."""
