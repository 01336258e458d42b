"""What leaves the house: mails and webhooks, sent outside of any transaction."""
