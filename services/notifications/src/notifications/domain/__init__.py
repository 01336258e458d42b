"""Who is told what, when it is tried again, and what a mail says: values and pure decisions."""
