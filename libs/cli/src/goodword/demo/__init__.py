"""The demo: a sample organisation, seventeen journeys, and a comparison with what was expected."""
