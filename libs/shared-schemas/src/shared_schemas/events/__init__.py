"""Every event of the platform, by the service that publishes it."""
