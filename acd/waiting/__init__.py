"""What a caller has while waiting: words, a forecast, keys, a call back, the old place after a redial."""
