"""How well triage reads labelled lines, and how counselors' corrections move over time."""
