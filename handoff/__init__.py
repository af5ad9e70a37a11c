"""People and conversations: the queue, the desk, the bell and their store."""
