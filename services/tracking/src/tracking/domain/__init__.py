"""What tracking decides, purely: a click's touch, a message's events, who may say what."""
