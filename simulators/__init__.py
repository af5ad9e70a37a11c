"""Small offline providers that keep their published rules: for showing and testing Gyeot without an account.

Nothing of the service imports this package.
"""
