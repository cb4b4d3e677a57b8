"""Training: the feed of images, the step, the loop, and what they run on."""
