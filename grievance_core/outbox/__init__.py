"""What leaves the house: letters to other systems, written with the change they tell of and sent until they arrive."""
