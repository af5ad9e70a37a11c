"""KakaoTalk: three doors behind one channel name.

``skill`` answers in the response of an OpenBuilder skill, ``bot_api`` answers and pushes by the Bot API of
2026, ``consult`` relays 상담톡 through a dealer. An address names its door: ``skill:<botUserKey>``,
``bot:<botUserKey>``, ``consult:<user_key>``.
"""

CHANNEL = "kakao"
