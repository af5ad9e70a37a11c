"""What words mean: normalising, the rule floor, the Rasa client and their ensemble."""
