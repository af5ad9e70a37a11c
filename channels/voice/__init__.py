"""The voice hotline over Twilio Voice: a greeting, a person on the line, or an honest way on."""
