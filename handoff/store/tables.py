"""The tables. Times are milliseconds since 1970 UTC; sealed columns hold only ciphertext."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

claim = Table(
    "claim",
    metadata,
    Column("source", String(16), primary_key=True),
    Column("key_index", LargeBinary, primary_key=True),
    Column("conversation", String(32), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
)

conversation = Table(
    "conversation",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("lang", String(2), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("desk_epoch", Integer, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary),
    Column("phase", String(12), nullable=False),
    Column("risk", SmallInteger, nullable=False),
    Column("topic", String(32), nullable=False),
    Column("intent", String(40)),
    Column("model", String(12), nullable=False),
    Column("talk", JSON, nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("waiting_since", BigInteger),
    Column("holder", String(32)),
    Column("claimed_at", BigInteger),
    Column("closed_at", BigInteger),
)
Index("ix_conversation_phase", conversation.c.phase, conversation.c.risk, conversation.c.waiting_since)

address = Table(
    "address",
    metadata,
    Column("address_index", LargeBinary, primary_key=True),
    Column("channel", String(16), nullable=False),
    Column("conversation", ForeignKey("conversation.id"), nullable=False, index=True),
    Column("sealed_address", LargeBinary),
    Column("sealed_key", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("heard_at", BigInteger),
    Column("shut", String(8)),
    Column("device", String(8)),
    Column("sealed_ticket", LargeBinary),
    Column("ticket_until", BigInteger),
)

sent = Table(
    "sent",
    metadata,
    Column("channel", String(16), primary_key=True),
    Column("id_index", LargeBinary, primary_key=True),
    Column("conversation", ForeignKey("conversation.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("sealed_id", LargeBinary, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("state", String(12), nullable=False),
)

recovery = Table(
    "recovery",
    metadata,
    Column("code_index", LargeBinary, primary_key=True),
    Column("conversation", ForeignKey("conversation.id"), nullable=False, unique=True),
    Column("at", BigInteger, nullable=False),
)

entry = Table(
    "entry",
    metadata,
    Column("conversation", ForeignKey("conversation.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("author", String(12), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("note_id", String(40)),
)

assessment = Table(
    "assessment",
    metadata,
    Column("conversation", ForeignKey("conversation.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("risk", SmallInteger, nullable=False),
    Column("topic", String(32), nullable=False),
    Column("intent", String(40)),
    Column("confidence", Float, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("model", String(12), nullable=False),
    Column("version", String(40)),
    Index("ix_assessment_time", "at", "conversation", "seq"),
)

label = Table(
    "label",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation", ForeignKey("conversation.id"), nullable=False, index=True),
    Column("seq", Integer, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("staff", String(32), nullable=False),
    Column("version", String(40)),
    Column("intent", String(40)),
    Column("confidence", Float, nullable=False),
    Column("risk_before", SmallInteger, nullable=False),
    Column("topic_before", String(32), nullable=False),
    Column("risk_after", SmallInteger, nullable=False),
    Column("topic_after", String(32), nullable=False),
)

inbox = Table(
    "inbox",
    metadata,
    Column("conversation", ForeignKey("conversation.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("sealed_text", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("conversation", ForeignKey("conversation.id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("channel", String(16), nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("leased_until", BigInteger, nullable=False),
    Column("error", String(40)),
)
Index("ix_outbox_lane", outbox.c.conversation, outbox.c.seq)
Index(
    "ix_outbox_due",
    outbox.c.channel,
    outbox.c.due_at,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("proof_hash", LargeBinary, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("wrapped_private_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    Column("sealed_phone", LargeBinary),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("form_token", String(64), nullable=False),
    Column("staff", ForeignKey("staff.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("heard_at", BigInteger, nullable=False, index=True),
)

desk_key = Table(
    "desk_key",
    metadata,
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

desk_share = Table(
    "desk_share",
    metadata,
    Column("epoch", ForeignKey("desk_key.epoch"), primary_key=True),
    Column("staff", ForeignKey("staff.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(32), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(40), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("link", LargeBinary, nullable=False),
)
