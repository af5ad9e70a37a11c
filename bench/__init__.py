"""The benchmark: Gyeot beside plain Rasa and beside the floors that neither can go below."""
