"""How faithful a reconstruction is: in structure, to a perceptual network, in colour and tone."""
