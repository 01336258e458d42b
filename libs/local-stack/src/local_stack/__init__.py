"""Real Apache Kafka and PostgreSQL on a laptop, with neither Docker nor Java installed."""
