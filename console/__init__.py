"""The staff's web application: counselors and supervisors."""
