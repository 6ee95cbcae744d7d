"""What goes between the stages: frames, dead letters, their producers, arrival times."""
