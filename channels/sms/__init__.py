"""SMS: one channel, two carriers. Twilio abroad, SOLAPI in Korea; an installation uses one of them.

A visitor is known by the telephone number, written as E.164 (``+82…``).
"""

CHANNEL = "sms"
