"""Labels: what people made of assessments; the model's version beside each assessment."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("version", sa.String(length=40), nullable=True))
        batch_op.create_index("ix_assessment_time", ["at", "conversation", "seq"], unique=False)

    op.create_table(
        "label",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("conversation", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("staff", sa.String(length=32), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=True),
        sa.Column("intent", sa.String(length=40), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("risk_before", sa.SmallInteger(), nullable=False),
        sa.Column("topic_before", sa.String(length=32), nullable=False),
        sa.Column("risk_after", sa.SmallInteger(), nullable=False),
        sa.Column("topic_after", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["conversation"], ["conversation.id"], name=op.f("fk_label_conversation")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_conversation"), ["conversation"], unique=False)


def downgrade() -> None:
    """Take back. Indexes go with their tables."""
    op.drop_table("label")
    with op.batch_alter_table("assessment", schema=None) as batch_op:
        batch_op.drop_index("ix_assessment_time")
        batch_op.drop_column("version")
