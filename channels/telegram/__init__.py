"""Telegram: a webhook or long polling in, the Bot API out (core.telegram.org/bots/api).

One to one only. What is sent is protected against forwarding; what is received is words and nothing else.
"""
