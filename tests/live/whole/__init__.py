"""A whole helpline: Asterisk, Redis, controller, desk and phones, as `helpline run` starts them."""
