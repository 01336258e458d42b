"""What tracking keeps: links, markets and keys in memory with a snapshot on disk; recent ids."""
