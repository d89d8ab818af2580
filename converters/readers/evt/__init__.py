"""ASCII `.evt` files, as written by GENHEN, KM3, MODK40, KM3Sim, gSeaGen, MUPAGE, Corant and propa."""
