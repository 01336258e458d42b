"""The front door: redirects, Segment-shaped ingestion, durable acknowledgement."""
