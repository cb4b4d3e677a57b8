"""Tables of other data sets: from the columns that they have to those of the study."""
