"""INSERT … ON CONFLICT: SQLite took the clause over from PostgreSQL, so one construct is both engines' own."""

from sqlalchemy.dialects.postgresql import insert as insert_or

__all__ = ["insert_or"]
