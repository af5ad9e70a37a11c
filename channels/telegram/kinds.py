"""Kinds of updates and of messages (core.telegram.org/bots/api#update, #message)."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Final

ALLOWED: Final = ("message", "edited_message", "channel_post", "callback_query", "my_chat_member")
"""Kinds of updates that we ask for."""

MEDIA: Final[Mapping[str, str]] = {
    "photo": "image",
    "live_photo": "image",
    "animation": "video",
    "video": "video",
    "video_note": "video",
    "story": "video",
    "voice": "audio",
    "audio": "audio",
    "document": "file",
    "sticker": "sticker",
    "contact": "contact",
    "venue": "location",
    "location": "location",
}
"""What a message can hold instead of words, by the port's kinds. What is not named here is ``other``."""

_FRAME: Final = frozenset(
    """message_id message_thread_id direct_messages_topic from sender_chat sender_boost_count sender_tag
    sender_business_bot date business_connection_id chat forward_origin forward_from forward_from_chat
    forward_from_message_id forward_signature forward_sender_name forward_date is_topic_message
    is_automatic_forward reply_to_message external_reply quote reply_to_story reply_to_checklist_task_id
    reply_to_poll_option_id via_bot edit_date has_protected_content is_from_offline is_paid_post
    media_group_id author_signature paid_star_count effect_id link_preview_options suggested_post_info
    reply_markup has_media_spoiler show_caption_above_media caption caption_entities entities""".split()  # noqa: SIM905  words, not a column
)
_SERVICE: Final = frozenset(
    """new_chat_members left_chat_member chat_owner_left chat_owner_changed new_chat_title new_chat_photo
    delete_chat_photo group_chat_created supergroup_chat_created channel_chat_created pinned_message
    message_auto_delete_timer_changed migrate_to_chat_id migrate_from_chat_id successful_payment
    refunded_payment write_access_allowed connected_website boost_added chat_background_set
    proximity_alert_triggered forum_topic_created forum_topic_edited forum_topic_closed
    forum_topic_reopened general_forum_topic_hidden general_forum_topic_unhidden video_chat_scheduled
    video_chat_started video_chat_ended video_chat_participants_invited direct_message_price_changed
    paid_message_price_changed managed_bot_created""".split()  # noqa: SIM905  likewise
)


def media_of(fields: AbstractSet[str]) -> str | None:
    """The port's kind of what a message with these fields holds beside words.

    ``None`` for mere words and for what Telegram itself writes into a chat. A kind of message that is newer
    than this list is ``other``, so that the visitor hears that it was not taken.
    """
    for name, kind in MEDIA.items():  # an animation is also a document, a venue also a location
        if name in fields:
            return kind
    return "other" if "text" not in fields and fields - _FRAME - _SERVICE else None
