"""What chaos and bench drive the platform with: an organisation, a shop, its customers."""
