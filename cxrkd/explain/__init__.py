"""Why a model says what it says: maps of evidence, LIME, their agreement, and how they are drawn."""
