"""What pushed channels need: tickets, shut addresses, what was said of the device, and ids of what was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("heard_at", sa.BigInteger),
    ("shut", sa.String(length=8)),
    ("device", sa.String(length=8)),
    ("sealed_ticket", sa.LargeBinary),
    ("ticket_until", sa.BigInteger),
)


def upgrade() -> None:
    """Bring in."""
    with op.batch_alter_table("address", schema=None) as batch_op:
        for name, kind in _COLUMNS:
            batch_op.add_column(sa.Column(name, kind, nullable=True))
    op.create_table(
        "sent",
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("id_index", sa.LargeBinary(), nullable=False),
        sa.Column("conversation", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("sealed_id", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversation.id"], name=op.f("fk_sent_conversation")),
        sa.PrimaryKeyConstraint("channel", "id_index", name=op.f("pk_sent")),
    )
    with op.batch_alter_table("sent", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sent_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sent_conversation"), ["conversation"], unique=False)


def downgrade() -> None:
    """Take back."""
    op.drop_table("sent")
    with op.batch_alter_table("address", schema=None) as batch_op:
        for name, _ in reversed(_COLUMNS):
            batch_op.drop_column(name)
