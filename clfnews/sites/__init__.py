"""What pages of one site have in common: learnt from many, used to read the next."""
