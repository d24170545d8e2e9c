"""The search behind ``zoo tune``: ranges, trials, the study and the recipe that comes out."""
