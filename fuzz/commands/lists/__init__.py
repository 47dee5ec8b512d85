"""What there is: verbs, findings, seeds."""
