"""Training: the feed of images, the step, the loop, and their device and number format."""
