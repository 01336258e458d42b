"""The web pages: latest referrals, the journey of each, the trace below it."""
